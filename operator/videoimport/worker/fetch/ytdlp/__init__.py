"""Pages, as yt-dlp reads them.

Add what turns yt-dlp's answers and errors into ours. Plain files do not come here.
"""
