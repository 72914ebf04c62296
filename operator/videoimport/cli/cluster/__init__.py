"""The commands that read and change imports in a cluster."""
