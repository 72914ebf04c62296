"""The HTTP client: requests, redirects, cookies, answers, and downloads that can resume.

Code that depends on the downloaded content does not belong here.
"""
