"""Listing: what a playlist, a bucket or a manifest holds, a page at a time."""
