"""Everything that the orchestrator decides, as pure functions of a state and a trigger."""
