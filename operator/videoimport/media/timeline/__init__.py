"""Detection of clock restarts and of joined parts in a source, and the repair of a source before an encode."""
