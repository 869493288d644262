"""From pipeline code to an image in the stack's registry: the context, who builds it, and what came of it."""
