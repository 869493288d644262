"""Where the engine keeps its state: made once, outside of every stack; and locks that nobody holds any more."""
