"""Scripts: recorded from tasks, kept in versions, replayed and repaired. Pure, no I/O."""
