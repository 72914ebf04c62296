"""Whether a result is its source, and how much of a copy is decoded to prove it."""
