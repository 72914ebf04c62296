"""`kubectl videoimport …`: what a user does from a terminal that `kubectl` itself cannot do."""
