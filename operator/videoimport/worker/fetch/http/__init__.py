"""The HTTP client: requests, redirects, cookies, answers, downloads that resume.

Nothing here knows what is downloaded.
"""
