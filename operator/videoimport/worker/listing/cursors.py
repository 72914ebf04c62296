"""Cursors that name a key. One with letters that JSON writes with six others is packed, so that a report with it fits a
termination message."""

import base64

_PACKED = "base64:"


def cursor_of(key: str) -> str:
    """What ``key_of`` makes the key of again; at most a third longer."""
    if key.isprintable() and not key.startswith(_PACKED):
        return key
    return _PACKED + base64.b64encode(key.encode()).decode()


def key_of(cursor: str) -> str:
    """The key. Raises ValueError for what is no cursor."""
    packed = cursor.removeprefix(_PACKED)
    return cursor if packed == cursor else base64.b64decode(packed, validate=True).decode()
