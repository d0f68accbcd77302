"""Which app of a phone people mean by a name: what its launchable apps are called, in every language that they know."""
