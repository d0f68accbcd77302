"""The phones: whether they are there and ready, what is done on them, and what they show."""
