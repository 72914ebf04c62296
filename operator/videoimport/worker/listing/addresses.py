"""Which texts are addresses that can be fetched."""

from urllib.parse import urlsplit

from videoimport.api.rules.string_rules import URL

LEAST_LETTERS, MOST_LETTERS = 10, 2048


def is_address(text: str) -> bool:
    """Whether it is an http or https URL with a valid host and port; no request is sent."""
    if not LEAST_LETTERS <= len(text) <= MOST_LETTERS or not all(rule.holds(text) for rule in URL):
        return False
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 — read for the error it raises
        host = parts.hostname or ""
        host.encode("ascii" if ":" in host else "idna")
    except ValueError:
        return False
    return bool(host) and parts.netloc.split() == [parts.netloc]
