"""The alerter: decides what deserves an alert, how severe it is, and when it is over."""
