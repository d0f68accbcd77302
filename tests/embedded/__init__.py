"""The embedded servers: booted, stopped, killed."""
