"""The notifier: decides who is told about an alert and over which channel, and sees to it that it gets there."""
