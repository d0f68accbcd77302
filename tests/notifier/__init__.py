"""The notifier: plans, attempts, channels, tables."""
