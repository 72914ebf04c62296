"""The results page of a BulkImport with its thumbnails, read from the destination or from its public address."""

from collections.abc import Iterable
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial

from videoimport.api.destination import Destination
from videoimport.cli.destination.access_options import DestinationAccess
from videoimport.cli.destination.store_access import opened
from videoimport.cli.results.account import Account, Raw
from videoimport.cli.results.contact_sheet import build_page
from videoimport.cli.results.html_page import render_page
from videoimport.cli.results.pictures import ReadPicture, public_reader, read_pictures, store_reader


def render_account(
    account: Account, videos: Iterable[Raw], access: DestinationAccess, *, links_files: bool = False
) -> str:
    """Return the page as HTML. ``videos`` are the VideoImports of the BulkImport that still exist.

    Thumbnails that cannot be read are missing on the page. Raises UnusableError if the destination cannot be opened
    with ``access``.
    """
    destination = account.bulk.spec.template.destination
    with ExitStack() as stack:
        read = partial(read_pictures, destination=destination, read=_find_reader(destination, access, stack))
        return render_page(build_page(account, videos, read, datetime.now(UTC), links_files=links_files))


def _find_reader(destination: Destination, access: DestinationAccess, stack: ExitStack) -> ReadPicture:
    """Return a reader of the destination itself if the user gave the keys or the folder. Otherwise return a reader of
    the public address."""
    volume = destination.persistent_volume_claim
    if access.keys if volume is None else volume.claim_name in access.claims:
        return store_reader(stack.enter_context(opened(destination, access)))
    return public_reader(destination.public_base_url)
