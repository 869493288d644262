"""Environments: making one, comparing two, promoting settings from one to the next, and what each setting is for."""
