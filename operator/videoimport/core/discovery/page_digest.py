"""Digests of the pages of a list. The controller records the digest of a page in the status before it stores the page.

Only pages with a recorded digest are valid. The digests form a chain: the digest after page ``n`` covers all pages
up to ``n``, in their order. So a few digests in the status verify 4,000 pages. If a page is changed, swapped or left
out, the next recorded digest does not match.
"""

import hashlib
from collections.abc import Iterable, Mapping

from videoimport.core.list_item import FACTS, LINES

DIGEST_DIGITS = 32
"""Number of hex digits that are kept of a SHA-256. These 128 bits are enough, because a forger needs another page with
the digest of a given page."""
KEEP_EVERY = 64
"""Number of newest digests of a chain that are kept. Older digests are kept only if their number is a multiple of this
value. After the loss of a page, at most this many pages are listed again."""
_MAX_NUMBER_DIGITS = 18
MAX_DIGESTS = 128
"""Maximum number of page digests that are kept without a chain. The pages with the highest numbers keep their digests.
"""


def hash_page(facts: str, lines_sha256: str) -> str:
    """Return the digest of a page. ``facts`` is the text in the page's ConfigMap; ``lines_sha256`` is in hex."""
    return _hash_text(f"{facts}\n{lines_sha256}")


def hash_page_data(data: Mapping[str, str]) -> str:
    """Return the digest of a ConfigMap's ``data``. The function hashes the two keys that the controller reads."""
    lines = hashlib.sha256(data.get(LINES, "").encode(errors="surrogatepass")).hexdigest()
    return hash_page(data.get(FACTS, ""), lines)


def extend_chain(before: str, digest: str) -> str:
    """Return the digest of a chain after one more page. A chain begins with the identifier of its list."""
    return _hash_text(f"{before}\n{digest}")


def hash_chain(listing: str, digests: Iterable[str]) -> str:
    """Return the digest of a whole chain."""
    end = listing
    for digest in digests:
        end = extend_chain(end, digest)
    return end


def count_proven_pages(listing: str, digests: Iterable[str], recorded: Mapping[str, str]) -> int:
    """Return how many of these pages match the recorded digests, counted from the first page. ``recorded`` has
    digests of the chain. The key of a digest is the number of pages that the digest covers."""
    end, found = listing, 0
    for count, digest in enumerate(digests, 1):
        end = extend_chain(end, digest)
        if recorded.get(str(count)) == end:
            found = count
    return found


def prune_chain(recorded: Mapping[str, str], counted: int) -> dict[str, str]:
    """Return the digests of a chain that the status keeps when ``counted`` pages are stored. The digest of the next
    page is kept too, although that page is not stored yet."""
    numbers = (number for number in _parse_numbers(recorded) if number <= counted + 1)
    kept = (number for number in numbers if number > counted - KEEP_EVERY or number % KEEP_EVERY == 0)
    return {str(number): recorded[str(number)] for number in kept}


def keep_newest_digests(recorded: Mapping[str, str]) -> dict[str, str]:
    """Return the MAX_DIGESTS digests with the highest numbers, in the order of their numbers."""
    return {str(number): recorded[str(number)] for number in _parse_numbers(recorded)[-MAX_DIGESTS:]}


def _parse_numbers(recorded: Mapping[str, str]) -> list[int]:
    return sorted(number for key in recorded if key.isdecimal() and str(number := int(key[:_MAX_NUMBER_DIGITS])) == key)


def _hash_text(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:DIGEST_DIGITS]
