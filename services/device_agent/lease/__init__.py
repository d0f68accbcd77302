"""A lease on a phone: what is changed before its first action, and put back after its end."""
