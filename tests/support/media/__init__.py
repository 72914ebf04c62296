"""Helpers of tests of the media package."""
