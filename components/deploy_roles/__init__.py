"""Roles that the jobs of a forge assume by OIDC: what is each forge's own, and beside it what all of them may do."""
