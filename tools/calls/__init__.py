"""Records the AWS calls of real runs on the embedded cloud: what the tests of least privilege must see allowed."""
