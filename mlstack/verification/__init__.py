"""Proof that a registered stack works: a small pipeline is run on it, and what came of it is looked at."""
