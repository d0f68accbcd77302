"""Scripts as other tools run them: pytest with uiautomator2, pytest with Appium, Maestro. Pure."""
