"""The HTTP client: requests, redirects, cookies, responses, and downloads that can resume.

Code for one kind of content does not belong here.
"""
