"""The tables that migrations create, compared with the database designs."""
