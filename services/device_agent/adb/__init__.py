"""The way to a phone: the adb server's host protocol, spoken asynchronously."""
