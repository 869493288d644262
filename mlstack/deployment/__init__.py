"""`mlstack deploy` and `mlstack destroy`: the engine and the registration as one command."""
