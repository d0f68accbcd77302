"""The simulated phones: an ADB device daemon that a real adb server connects to, with apps and recordings to play."""
