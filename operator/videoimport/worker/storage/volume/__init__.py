"""Volumes as destinations: files below a mounted folder, never through a link.

No module here decides about an import.
"""
