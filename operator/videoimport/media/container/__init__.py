"""Parsers of container formats: MP4, Matroska, MPEG-TS and older formats.

The parsers read tables of the file. They contain no rules about imports.
"""
