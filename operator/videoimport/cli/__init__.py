"""The commands of `kubectl videoimport`, for tasks that `kubectl` does not support."""
