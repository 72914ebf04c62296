"""Validation rules, written once for the API server and for our programs.

The models that use them are in ``api``.
"""
