"""What the pipelines ask GitLab, beyond what `mlstack review` posts."""
