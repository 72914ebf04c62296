"""Sources that are web pages, read by yt-dlp.

This package converts yt-dlp's results and errors to the worker's types. Plain files are fetched without yt-dlp.
"""
