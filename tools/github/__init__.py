"""What the workflows ask GitHub, beyond what `mlstack review` posts."""
