"""Access to a destination from this machine, with the storage classes of the worker.

A bucket needs a folder with the keys of its Secret. A volume needs the folder that replaces it here.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import structlog
from pydantic import ValidationError

from videoimport.api.destination import Destination, SecretReference
from videoimport.api.reasons import Reason, info
from videoimport.api.redaction import shown_url
from videoimport.cli.destination.access_options import DestinationAccess
from videoimport.cli.destination.option_problems import describe_problems
from videoimport.cli.errors import UnusableError
from videoimport.cli.manifests.destinations import HERE, build_bucket, parse_into
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.storage import credentials
from videoimport.worker.storage.base import DestinationStore
from videoimport.worker.storage.s3 import store as s3
from videoimport.worker.storage.volume.store import VolumeStore

_REQUIRED = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


def parse_destination(
    into: str, endpoint: str | None, folder: str | None, *, option: str = "--into"
) -> tuple[Destination, Mapping[str, Path]]:
    """Return the destination for s3://bucket/prefix or for a folder, and the folder of each claim of the destination.
    ``option`` is the option with the value ``into``. Raises UnusableError."""
    claims: Mapping[str, Path] = {}
    goal = parse_into(into, option)
    if goal is not None:
        place: dict[str, Any] = {"s3": build_bucket(goal, {"endpoint": endpoint} if endpoint else {})}
    elif endpoint:
        raise UnusableError(f"--endpoint {endpoint} needs a bucket such as {option} s3://bucket; {into} is a folder.")
    else:
        place = {"persistentVolumeClaim": {"claimName": HERE}}
        claims = {HERE: Path(into).expanduser()}
    try:
        return Destination.model_validate(place | ({"folder": folder} if folder else {})), claims
    except ValidationError as error:
        options = {"s3.endpoint": f"--endpoint {shown_url(endpoint or '')}", "folder": f"--folder {folder}"}
        raise UnusableError(*describe_problems(error, options)) from None


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
def told_failures(start: str = "", advice_here: Mapping[Reason, str] = MappingProxyType({})) -> Iterator[None]:
    """Convert a failure of the worker's code to an UnusableError with the solution of the failure. ``start`` precedes
    the message. ``advice_here`` replaces the solutions of some reasons."""
    try:
        yield
    except ImportFailure as failure:
        advice = advice_here.get(failure.reason) or failure.advice or info(failure.reason).advice
        message = failure.message.rstrip(".")
        raise UnusableError(f"{start}{failure.reason}: {message}. {advice}") from None


def describe_failure(failure: ImportFailure) -> str:
    """Return the reason, the message and the solution on one line."""
    return f"{failure.reason}: {failure.message} {failure.advice or info(failure.reason).advice}"
