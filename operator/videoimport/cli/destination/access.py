"""Access to a destination from this machine, with the storage classes of the worker.

A bucket needs a folder with the keys of its Secret. A volume needs the folder that replaces it here.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog
from pydantic import ValidationError

from videoimport.api.destination import Destination, SecretReference
from videoimport.api.reasons import info
from videoimport.api.rules.validation import BrokenRuleError
from videoimport.cli.destination.options import DestinationAccess
from videoimport.cli.errors import UnusableError
from videoimport.cli.manifests.destinations import HERE
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.storage import credentials
from videoimport.worker.storage.base import DestinationStore
from videoimport.worker.storage.s3 import store as s3
from videoimport.worker.storage.volume.store import VolumeStore

_REQUIRED = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_S3 = "s3://"


def parse_destination(into: str, endpoint: str | None, folder: str | None) -> tuple[Destination, Mapping[str, Path]]:
    """Return the destination for s3://bucket/prefix or for a folder, and the folder of each claim of the destination.
    Raises UnusableError."""
    claims: Mapping[str, Path] = {}
    if into.startswith(_S3):
        bucket, _, prefix = into.removeprefix(_S3).partition("/")
        named = {"endpoint": endpoint, "bucket": bucket, "prefix": prefix.strip("/") or None}
        place: dict[str, Any] = {"s3": {name: value for name, value in named.items() if value}}
    elif "://" in into:
        raise UnusableError(f"--into {into}: write s3://bucket/prefix, or a folder of this machine.")
    elif endpoint:
        raise UnusableError(f"--endpoint {endpoint} needs a bucket such as --into s3://bucket; {into} is a folder.")
    else:
        place = {"persistentVolumeClaim": {"claimName": HERE}}
        claims = {HERE: Path(into).expanduser()}
    try:
        return Destination.model_validate(place | ({"folder": folder} if folder else {})), claims
    except ValidationError as error:
        raise UnusableError(*(line for detail in error.errors() for line in _problems(dict(detail)))) from None


def _problems(detail: dict[str, Any]) -> Iterator[str]:
    """Yield a sentence for each rule that the destination breaks."""
    broken = detail.get("ctx", {}).get("error")
    where = ".".join(("destination", *map(str, detail["loc"])))
    if isinstance(broken, BrokenRuleError):
        yield from (f"{where}{field}: {message}" for field, message in broken.broken)
    else:
        yield f"{where} is {detail['input']!r}: {detail['msg']}; correct --into, --endpoint or --folder."


@contextmanager
def opened(destination: Destination, access: DestinationAccess) -> Iterator[DestinationStore]:
    """Yield the destination's store, and close it. Failures inside the block become UnusableError."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    store = open_store(destination, access)
    try:
        with told_failures():
            yield store
    finally:
        store.close()


def open_store(destination: Destination, access: DestinationAccess) -> DestinationStore:
    """Return the destination's store. No request is sent yet. Raises UnusableError if a folder is missing."""
    if destination.s3 is None:
        return _open_volume(destination, access)
    wish = with_keys(destination, access.keys)
    with told_failures():
        keys = credentials.read_keys(wish, access.keys or Path())
        return s3.connect(destination.s3, keys)


def with_keys(destination: Destination, keys: Path | None) -> Destination:
    """Return the destination for use from this machine, with the folder ``keys`` in place of the Secret. Raises
    UnusableError."""
    named = destination.credentials_secret_ref
    if keys is None:
        if named is not None:
            raise UnusableError(
                f"The destination needs the Secret {named.name}; give --keys DIR, a folder with a file for each of its "
                "keys."
            )
        return destination
    missing = [key for key in _REQUIRED if not (keys / key).is_file()]
    if missing:
        raise UnusableError(f"--keys {keys}: there is no file {' and no file '.join(missing)}; write it there.")
    return destination.model_copy(update={"credentials_secret_ref": named or SecretReference(name="keys")})


def _open_volume(destination: Destination, access: DestinationAccess) -> VolumeStore:
    volume = destination.persistent_volume_claim
    assert volume is not None, "one of the two"  # noqa: S101
    folder = access.claims.get(volume.claim_name)
    if folder is None:
        raise UnusableError(
            f"The destination is the claim {volume.claim_name}, which only a cluster has; give "
            f"--claim {volume.claim_name}=DIR, the folder that replaces the volume."
        )
    if not folder.is_dir():
        raise UnusableError(f"There is no folder {folder}; correct its path.")
    return VolumeStore(folder.resolve(), volume.claim_name, destination.prefix)


@contextmanager
def told_failures(start: str = "") -> Iterator[None]:
    """Convert a failure of the worker's code to an UnusableError with the solution of the failure. ``start`` precedes
    the message."""
    try:
        yield
    except ImportFailure as failure:
        advice = failure.advice or info(failure.reason).advice
        message = failure.message.rstrip(".")
        raise UnusableError(f"{start}{failure.reason}: {message}; {advice}") from None


def describe_failure(failure: ImportFailure) -> str:
    """Return the reason, the message and the solution on one line."""
    return f"{failure.reason}: {failure.message} {failure.advice or info(failure.reason).advice}"
