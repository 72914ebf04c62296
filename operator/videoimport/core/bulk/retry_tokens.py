"""Under which retry token items are tried, and under which a failure counts."""

import hashlib

from videoimport.api.bulkimport import BulkImportSpec

_MOST = 128
"""Characters of a VideoImport's retryToken."""
_MARK = "+retryFailed"


def token_of(spec: BulkImportSpec) -> str:
    """Under which its items are tried. ``retryFailed`` makes another one of it, so that it retries once."""
    return _marked(spec.retry_token) if spec.retry_failed else spec.retry_token


def tokens_that_count(spec: BulkImportSpec) -> frozenset[str]:
    """Under which a failure is the last word. What was tried for ``retryFailed`` need not be tried again when that is
    taken back."""
    return frozenset({token_of(spec), _marked(spec.retry_token)})


def _marked(token: str) -> str:
    marked = token + _MARK
    return marked if len(marked) <= _MOST else hashlib.sha256(marked.encode()).hexdigest()
