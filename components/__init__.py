"""The AWS side: settings, names and policies as plain data, and one typed component per AWS thing that ZenML needs."""
