"""A task in plain language: look, ask the model, act, until it is finished, failed or out of budget. Pure."""
