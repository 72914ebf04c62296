"""Digests of the pages of a list: what the status records of a page before it is stored, so that no other page counts.

A list's pages make a chain: the digest after page ``n`` covers all pages up to it, in their order. So the status proves
4,000 pages with a few digests, and a page that was changed, swapped or left out breaks the chain.
"""

import hashlib
from collections.abc import Iterable, Mapping

from videoimport.core.list_item import FACTS, LINES

DIGEST_DIGITS = 32
"""Hex digits that are kept of a SHA-256: 128 bits, since a forger needs another page of a given digest."""
KEEP_EVERY = 64
"""Of the digests of a chain, so many of the newest are kept, and before them each one whose number this divides. After
a page is lost, at most so many are listed again."""
_MAX_NUMBER_DIGITS = 18
MAX_DIGESTS = 128
"""Digests that are kept of pages outside a chain."""


def hash_page(facts: str, lines_sha256: str) -> str:
    """Return the digest of a page: ``facts`` as its ConfigMap has them, and the SHA-256 (hex) of its lines."""
    return _hash_text(f"{facts}\n{lines_sha256}")


def hash_page_data(data: Mapping[str, str]) -> str:
    """Return the digest of a ConfigMap's ``data``: of the two keys that are read."""
    lines = hashlib.sha256(data.get(LINES, "").encode(errors="surrogatepass")).hexdigest()
    return hash_page(data.get(FACTS, ""), lines)


def extend_chain(before: str, digest: str) -> str:
    """Return the digest of a chain after one more page. A chain begins with what its list is known by."""
    return _hash_text(f"{before}\n{digest}")


def hash_chain(listing: str, digests: Iterable[str]) -> str:
    """Return the digest of a whole chain."""
    end = listing
    for digest in digests:
        end = extend_chain(end, digest)
    return end


def count_proven_pages(listing: str, digests: Iterable[str], recorded: Mapping[str, str]) -> int:
    """Return how many of these pages, from the first on, ``recorded`` proves: digests of the chain by the number of
    pages that each covers."""
    end, found = listing, 0
    for count, digest in enumerate(digests, 1):
        end = extend_chain(end, digest)
        if recorded.get(str(count)) == end:
            found = count
    return found


def prune_chain(recorded: Mapping[str, str], counted: int) -> dict[str, str]:
    """Return the digests of a chain that are kept with so many pages stored, and perhaps one more that is not stored
    yet."""
    numbers = (number for number in _parse_numbers(recorded) if number <= counted + 1)
    kept = (number for number in numbers if number > counted - KEEP_EVERY or number % KEEP_EVERY == 0)
    return {str(number): recorded[str(number)] for number in kept}


def keep_newest_digests(recorded: Mapping[str, str]) -> dict[str, str]:
    """Return the digests with the highest numbers, in the order of these, as many as are kept."""
    return {str(number): recorded[str(number)] for number in _parse_numbers(recorded)[-MAX_DIGESTS:]}


def _parse_numbers(recorded: Mapping[str, str]) -> list[int]:
    return sorted(number for key in recorded if key.isdecimal() and str(number := int(key[:_MAX_NUMBER_DIGITS])) == key)


def _hash_text(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:DIGEST_DIGITS]
