"""The simulated phones, driven by the tools that drive real ones."""
