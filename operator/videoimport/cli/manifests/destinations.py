"""The place of the results: a claim for resources without a destination, and the destination of ``--into``."""

import re
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from videoimport.api.field_types import BucketName, Prefix
from videoimport.api.labels import BULK_KIND
from videoimport.cli.destination.option_problems import explain_problem
from videoimport.cli.errors import UnusableError
from videoimport.cli.manifests.shown_values import shorten_text

Raw = dict[str, Any]
HERE = "here"
"""Claim name of an import without a destination. Such an import needs no claim in a cluster. All these imports have the
same claim name, because they may share a folder. So an import can find a video that another import stored. """
_SCHEME = "s3://"
_OTHER_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_OF_THE_STORE = ("endpoint", "region")
"""Fields that are equal for all buckets of the same store."""
_BUCKET: TypeAdapter[str] = TypeAdapter(BucketName)
_PREFIX: TypeAdapter[str] = TypeAdapter(Prefix)


@dataclass(frozen=True, slots=True)
class BucketGoal:
    """The value of ``--into s3://bucket/prefix``."""

    bucket: str
    prefix: str | None = None


def parse_into(into: str | None, option: str = "--into") -> BucketGoal | None:
    """Return the bucket that ``into``, the value of ``option``, names. Return None for a folder or None. Raises
    UnusableError."""
    if into is None:
        return None
    if not into:
        raise UnusableError(f"{option} has no value; write s3://bucket/prefix, or a folder of this machine.")
    if not into.lower().startswith(_SCHEME):
        if _OTHER_SCHEME.match(into):
            raise UnusableError(f"{option} {into}: write s3://bucket/prefix, or a folder of this machine.")
        return None
    bucket, _, prefix = into[len(_SCHEME) :].rstrip("/").partition("/")
    _check(_BUCKET, bucket, f"{option} {shorten_text(into)}: the bucket")
    if prefix:
        _check(_PREFIX, prefix, f"{option} {shorten_text(into)}: the prefix")
    return BucketGoal(bucket, prefix or None)


def _check(adapter: TypeAdapter[str], value: str, called: str) -> None:
    if not value:
        raise UnusableError(f"{called} is missing; write s3://bucket or s3://bucket/prefix.")
    try:
        adapter.validate_python(value, strict=True)
    except ValidationError as refusal:
        message = explain_problem(refusal.errors(include_url=False)[0])[0][1]
        raise UnusableError(f"{called} {shorten_text(value)}: {message}") from None


def redirect(raw: Raw, into: str | None) -> Raw:
    """Return a VideoImport or BulkImport whose results go to ``into``: a folder, or ``s3://bucket/prefix``.

    A folder becomes the claim ``HERE``, whose volume is the folder. The prefix or path of the destination stays as a
    folder below ``into``. With a bucket, the store's address and the Secret of an S3 destination stay. ``raw`` must be
    valid. Raises UnusableError.
    """
    if into is None:
        return raw
    goal = parse_into(into)
    spec = raw["spec"]
    if raw["kind"] == BULK_KIND:
        template = spec["template"]
        destination = _redirect_destination(template["destination"], goal)
        return raw | {"spec": spec | {"template": template | {"destination": destination}}}
    return raw | {"spec": spec | {"destination": _redirect_destination(spec["destination"], goal)}}


def _redirect_destination(destination: Raw, goal: BucketGoal | None) -> Raw:
    bucket: Raw = destination.get("s3") or {}
    volume: Raw = destination.get("persistentVolumeClaim") or {}
    below = bucket.get("prefix") or volume.get("path")
    kept = {name: part for name, part in destination.items() if name not in ("s3", "persistentVolumeClaim")}
    if goal is None:
        kept.pop("credentialsSecretRef", None)
        return {"persistentVolumeClaim": {"claimName": HERE} | ({"path": below} if below else {})} | kept
    kept.pop("publicBaseURL", None)  # it serves the other bucket
    return {"s3": build_bucket(goal, bucket, below)} | kept


def build_bucket(goal: BucketGoal, store: Raw, below: str | None = None) -> Raw:
    """Return the ``s3`` of a destination in the same store as ``store``, with its folder ``below`` under the prefix."""
    path = "/".join(filter(None, (goal.prefix, below)))
    same_store = {name: store[name] for name in _OF_THE_STORE if name in store}
    return same_store | {"bucket": goal.bucket} | ({"prefix": path} if path else {})
