"""Detection of clock restarts and of joined parts in a source, and the repair of such a source before an encode."""
