"""Manifests: reading them, and what an API server does with them before it stores them."""
