"""What every service stands on: the log, aggregates, reactors, effects, timers, projections. It knows no service."""
