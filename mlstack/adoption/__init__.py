"""`mlstack adopt`: what ZenML's own template or module made becomes ours, with all that is in it."""
