"""Web pages, read by yt-dlp.

This package turns yt-dlp's results and errors into the worker's types. Plain files are fetched without yt-dlp.
"""
