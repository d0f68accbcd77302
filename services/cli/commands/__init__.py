"""Commands by what they are about, one module a group."""
