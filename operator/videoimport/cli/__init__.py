"""`kubectl videoimport …`: commands for users that `kubectl` itself lacks."""
