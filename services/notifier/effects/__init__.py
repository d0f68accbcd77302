"""What the notifier does to the world: one module a kind of channel."""
