"""The choice of one child for each item, if several children of a BulkImport have the same item.

The name of a child has the identity of the item, and words from the title of the item. A title may change between two
listings, so only the identity identifies an item. If two children have one identity, only one of them is used.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from videoimport.api.videoimport import VideoImport

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ChildClaims:
    """The children of a BulkImport, with at most one child for each item."""

    children: dict[str, VideoImport]
    """Children by the identity of the item."""
    surplus: tuple[VideoImport, ...] = ()
    """Children whose item has another child. Such children are treated as unlisted."""


def resolve_child_claims(
    children: Iterable[tuple[str, VideoImport]], derived_name: Callable[[str], str | None]
) -> ChildClaims:
    """Return the children of one BulkImport by the identities of their items.

    ``derived_name`` returns the name that a new child of an identity would get, or None if no such item is listed.
    ``derived_name`` is called only if two children have one identity, which is rare.
    """
    claims: defaultdict[str, list[VideoImport]] = defaultdict(list)
    for identity, child in children:
        claims[identity].append(child)
    rivals = {identity: own for identity, own in claims.items() if len(own) > 1}
    ranked = {identity: sorted(own, key=_rank(derived_name(identity))) for identity, own in rivals.items()}
    chosen = {identity: ranked.get(identity, own)[0] for identity, own in claims.items()}
    return ChildClaims(chosen, tuple(child for own in ranked.values() for child in own[1:]))


def _rank(derived_name: str | None) -> Callable[[VideoImport], tuple[bool, bool, datetime, str]]:
    """Return a sort key: first the children that are not being deleted, then the child with the derived name, then the
    oldest child."""

    def rank(child: VideoImport) -> tuple[bool, bool, datetime, str]:
        meta = child.metadata
        leaving, other = meta.deletion_timestamp is not None, meta.name != derived_name
        return leaving, other, meta.creation_timestamp or _LONG_AGO, meta.name

    return rank
