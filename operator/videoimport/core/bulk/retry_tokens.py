"""The retryToken with which items are tried, and the tokens under which a failure is final."""

import hashlib

from videoimport.api.bulkimport import BulkImportSpec

_MAX_TOKEN_LENGTH = 128
"""Maximum number of characters of a VideoImport's retryToken."""
_RETRY_MARK = "+retryFailed"


def derive_retry_token(spec: BulkImportSpec) -> str:
    """Return the token with which items are tried. ``retryFailed`` changes the token, so that failed items are retried
    once."""
    return _mark_token(spec.retry_token) if spec.retry_failed else spec.retry_token


def list_counted_tokens(spec: BulkImportSpec) -> frozenset[str]:
    """Return the tokens under which a failure is final. If ``retryFailed`` is removed, the items that were retried for
    it are not retried again."""
    return frozenset({derive_retry_token(spec), _mark_token(spec.retry_token)})


def _mark_token(token: str) -> str:
    marked = token + _RETRY_MARK
    return marked if len(marked) <= _MAX_TOKEN_LENGTH else hashlib.sha256(marked.encode()).hexdigest()
