"""Pages that stand in for those the controller stored: their digests are in the status, as it records them first."""

from dataclasses import replace
from itertools import accumulate

from videoimport.api.bulkimport_status import DiscoveryStatus
from videoimport.core.discovery.page_digest import extend_chain
from videoimport.core.discovery.pages import hash_listing
from videoimport.core.list_item import EARLIER
from videoimport.core.observed import ObservedBulk


def proven(observed: ObservedBulk) -> ObservedBulk:
    """The same with the digests of its pages in the status, unless it has digests already."""
    status, listing = observed.bulk.status, hash_listing(observed.bulk)
    discovery = status.discovery or DiscoveryStatus()
    own = sorted((page for page in observed.pages if page.listing == listing), key=lambda page: page.number)
    chain = accumulate((page.digest for page in own), extend_chain, initial=listing)
    told = {str(count): end for count, end in enumerate(chain) if count}
    changes = {}
    if own and not discovery.page_digests and discovery.listing in (None, listing):
        changes["discovery"] = discovery.model_copy(update={"listing": listing, "page_digests": told})
    earlier = {str(page.number): page.digest for page in observed.pages if page.listing == EARLIER}
    if earlier and not status.earlier_digests:
        changes["earlier_digests"] = earlier
    if not changes:
        return observed
    return replace(observed, bulk=observed.bulk.model_copy(update={"status": status.model_copy(update=changes)}))
