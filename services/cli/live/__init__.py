"""A run as it goes on, with the picture of its phone: in a terminal that can show one, and in a small local page."""
