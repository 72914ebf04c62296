"""Which child belongs to which item of a bulk, where several may claim it.

A child's name holds its item's identity, and a readable part that follows the item's title. A title may change between
two listings, so the name alone is no key. The identity is, and of two children with one identity only one counts.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from videoimport.api.videoimport import VideoImport

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ChildClaims:
    """A bulk's children by the identities of their items."""

    children: dict[str, VideoImport]
    """By their item's identity."""
    surplus: tuple[VideoImport, ...] = ()
    """Those whose item has another child; they count as unlisted."""


def resolve_child_claims(
    children: Iterable[tuple[str, VideoImport]], derived_name: Callable[[str], str | None]
) -> ChildClaims:
    """Return the children of one bulk by the identities of their items. ``derived_name`` gives the name that an
    identity's child would be made with, None where no such item is listed. It is called only where two children have
    one identity, which is rare."""
    claims: defaultdict[str, list[VideoImport]] = defaultdict(list)
    for identity, child in children:
        claims[identity].append(child)
    rivals = {identity: own for identity, own in claims.items() if len(own) > 1}
    ranked = {identity: sorted(own, key=_rank(derived_name(identity))) for identity, own in rivals.items()}
    chosen = {identity: ranked.get(identity, own)[0] for identity, own in claims.items()}
    return ChildClaims(chosen, tuple(child for own in ranked.values() for child in own[1:]))


def _rank(derived_name: str | None) -> Callable[[VideoImport], tuple[bool, bool, datetime, str]]:
    """Return a sort key: first children that are not being deleted, then the one with the derived name, then the
    oldest."""

    def rank(child: VideoImport) -> tuple[bool, bool, datetime, str]:
        meta = child.metadata
        leaving, other = meta.deletion_timestamp is not None, meta.name != derived_name
        return leaving, other, meta.creation_timestamp or _LONG_AGO, meta.name

    return rank
