"""Validation rules. Each rule is written once, for the API server and for this project's programs.

The models in ``api`` use these rules.
"""
