"""Containers, read by their own tables: MP4, Matroska, MPEG-TS and older ones.

Nothing here depends on an import.
"""
