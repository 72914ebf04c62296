"""The process that fetches a source: untrusted hosts and files, and no keys but the source's.

HTTP is in ``http``, pages in ``ytdlp``. What the worker does with the bytes is in
``worker.source`` and ``worker.pipeline``.
"""
