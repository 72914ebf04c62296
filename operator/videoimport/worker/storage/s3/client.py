"""The only place that creates clients of an object store, for sources and destinations."""

from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import InvalidRegionError

from videoimport.api.destination import S3Destination
from videoimport.api.reasons import Reason
from videoimport.api.videoimport_source import S3Source
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.storage.credentials import Keys
from videoimport.worker.storage.s3 import answer_limits as s3_answers
from videoimport.worker.storage.s3 import connections as s3_connections
from videoimport.worker.storage.s3 import key_lists as s3_lists

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

CONNECT_SECONDS = 10
NO_PATHS = ("SecondLevelDomainForbidden", "PathStyleDomainForbidden", "InvalidPathAccess")
"""Error codes of stores that accept the bucket only in the host name: Alibaba OSS, Tencent COS, Volcengine TOS."""


def client(
    place: S3Source | S3Destination,
    keys: Keys | None,
    *,
    read_seconds: float,
    attempts: int,
    connections: int,
    proxy: str | None = None,
    ca_bundle: str | None = None,
    virtual_hosts: bool = False,
) -> "S3Client":
    """Return a client. No request is sent yet. Without ``keys``, requests are not signed. ``attempts`` is the total
    number of tries of a request. ``virtual_hosts`` puts the bucket into the host name of the endpoint instead of the
    path.

    Raises ImportFailure INVALID_SPEC for an invalid endpoint or region.
    """
    config = Config(
        signature_version="s3v4" if keys else UNSIGNED,
        s3={"addressing_style": _addressing(place.endpoint, virtual_hosts=virtual_hosts)},
        connect_timeout=CONNECT_SECONDS,
        read_timeout=read_seconds,
        retries={"mode": "standard", "total_max_attempts": attempts},
        # The importer adds checksums itself if the store supports them; other stores would refuse them.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        proxies={"http": proxy, "https": proxy} if proxy else {},  # not the proxies of the environment
        max_pool_connections=connections,
    )
    session = boto3.session.Session(
        aws_access_key_id=keys.key_id if keys else None,
        aws_secret_access_key=keys.secret if keys else None,
        aws_session_token=keys.token if keys else None,
        region_name=place.region,
    )
    field = "source.s3" if isinstance(place, S3Source) else "destination.s3"
    try:
        if place.endpoint:
            urlsplit(place.endpoint).port  # noqa: B018 — read for the error it raises; boto3 looks only later
        made = session.client("s3", endpoint_url=place.endpoint, config=config, verify=ca_bundle)
    except InvalidRegionError:
        raise ImportFailure(Reason.INVALID_SPEC, f"{field}.region is not the name of a region.") from None
    except ValueError:
        advice = "Give a host of letters, digits, dots and hyphens, and a port of at most 65535."
        raise ImportFailure(Reason.INVALID_SPEC, f"{field}.endpoint is not an address.", advice=advice) from None
    s3_lists.prepare(made)
    s3_connections.install(made)
    s3_answers.install(made)
    return made


def _addressing(endpoint: str | None, *, virtual_hosts: bool) -> Literal["path", "virtual", "auto"]:
    if endpoint is None:
        return "auto"
    return "virtual" if virtual_hosts else "path"
