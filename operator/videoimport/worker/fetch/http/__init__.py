"""The HTTP client: requests, redirects, cookies, responses, and downloads that can resume.

Code that depends on the downloaded content does not belong here.
"""
