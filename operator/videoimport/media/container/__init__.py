"""Parsers of container formats: MP4, Matroska, MPEG-TS and older formats.

The parsers read the tables in the file and do not depend on an import.
"""
