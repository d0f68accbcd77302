"""What the services say to each other: events, requests and the values in them. Pydantic only, no I/O."""
