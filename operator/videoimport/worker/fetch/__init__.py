"""The process that fetches a source from untrusted hosts and files. It has only the credentials of the source.

The HTTP client is in ``http``, and web pages are in ``ytdlp``. Code that uses the fetched bytes belongs in
``worker.source`` and ``worker.pipeline``.
"""
