"""Resources that were there before: read, held against what a stack needs of them, and never changed."""
