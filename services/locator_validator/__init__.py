"""Has locators checked on phones, counts what came of it, and chooses the one to use for each element."""
