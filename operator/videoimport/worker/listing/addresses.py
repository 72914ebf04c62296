"""Which URLs of a list can be imported. The modules that read lists write the messages."""

from urllib.parse import urlsplit

from videoimport.api.rules.string_rules import URL

LEAST_LETTERS, MOST_LETTERS = 10, 2048


def is_address(text: str) -> bool:
    """Return whether ``text`` is an http or https URL with a valid host and port. No request is sent."""
    if not LEAST_LETTERS <= len(text) <= MOST_LETTERS or not all(rule.holds(text) for rule in URL):
        return False
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 — read because an invalid port raises ValueError
        host = parts.hostname or ""
        host.encode("ascii" if ":" in host else "idna")
    except ValueError:
        return False
    return bool(host) and parts.netloc.split() == [parts.netloc]
