"""What the llm-gateway decides: what to ask, whether to ask again, what an answer means, what a run has spent."""
