"""The whole platform: real servers, a real adb server, simulated phones, services as processes."""
