"""Records the AWS calls that ZenML makes, from real runs on the embedded cloud: what the least-privilege tests allow."""
