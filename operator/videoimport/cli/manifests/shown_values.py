"""Text from manifests in messages: on one line, short and without secrets."""

from videoimport.api.redaction import shown_text

MOST_SHOWN = 80
"""Maximum number of characters of a text that a message shows."""


def shorten_text(text: str) -> str:
    """Return a text for a message: without secrets and control characters, and with ``…`` in place of the removed
    end."""
    safe = shown_text(text)
    return safe if len(safe) <= MOST_SHOWN else safe[: MOST_SHOWN - 1] + "…"
