"""Where a review goes: one sticky comment per environment on a pull or merge request, and GitHub's own channels.

Knows nothing of the review itself: it gets a finished text and what the hidden marker says of it.
"""
