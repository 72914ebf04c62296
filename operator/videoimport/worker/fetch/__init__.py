"""Fetching, in a process of its own under the address guard: the only home of HTTP to the source and of yt-dlp."""
