"""Real PostgreSQL, NATS JetStream, S3 and adb servers on loopback, booted from wheels."""
