"""The orchestrator's decisions, and explorations driven by them."""
