"""What the llm-gateway does in the world: it asks a model, and looks up what for and with which configuration."""
