"""Tests of the device-agent: pure parts here, real adb server and simulated phones in the `system` ones."""
