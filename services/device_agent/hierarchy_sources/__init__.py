"""Where hierarchies come from: the resident uiautomator2 server or `uiautomator dump`, behind one interface."""
