"""What the locator-validator decides: which locators to check, what a result means, which locator is the best."""
