"""Parsers of container formats: MP4, Matroska, MPEG-TS and older formats.

The parsers read tables of the file. This package contains no rules about imports.
"""
