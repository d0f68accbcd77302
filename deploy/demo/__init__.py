"""The demonstration: two versions of an app explored on two simulated phones, by the real services on real servers."""
