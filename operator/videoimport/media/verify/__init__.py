"""Comparison of a result with its source, and the choice of how much of a copy is decoded as a check."""
