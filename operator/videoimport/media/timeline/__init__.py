"""Clocks that start again, joined parts, and how a source is repaired before an encode."""
