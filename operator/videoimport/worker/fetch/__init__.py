"""The process that fetches a source from untrusted hosts and files. The only credentials in this process are the
source's.

The HTTP client is in ``http``, and web pages are in ``ytdlp``. The use of the fetched bytes belongs in
``worker.source`` and ``worker.pipeline``.
"""
