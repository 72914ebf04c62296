"""Volumes as destinations: files below a mounted folder, without following links.

No module here makes decisions about an import.
"""
