"""The orchestrator: accepts tasks, grants phones to them, and drives each run step by step."""
