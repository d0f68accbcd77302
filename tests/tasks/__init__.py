"""Tasks in plain language from outside: what a model says, what a phone shows, what both of them count."""
