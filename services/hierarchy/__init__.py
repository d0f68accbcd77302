"""UI hierarchies of Android: parsing, and evaluating locators. Shared by the services that look at screens."""
