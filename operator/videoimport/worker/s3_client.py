"""The one way to a client of an object store, for sources and destinations alike."""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import InvalidRegionError

from videoimport.api.destination import S3Destination
from videoimport.api.reasons import Reason
from videoimport.api.source import S3Source
from videoimport.worker.credentials import Keys
from videoimport.worker.errors import ImportFailure

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

CONNECT_SECONDS = 10


def client(
    place: S3Source | S3Destination,
    keys: Keys | None,
    *,
    read_seconds: float,
    attempts: int,
    connections: int,
    proxy: str | None = None,
    ca_bundle: str | None = None,
) -> "S3Client":
    """Nothing is asked yet. Without keys, requests are not signed; ``attempts`` are those of a request in all.

    Raises ImportFailure INVALID_SPEC for an endpoint or a region that is none.
    """
    config = Config(
        signature_version="s3v4" if keys else UNSIGNED,
        s3={"addressing_style": "path" if place.endpoint else "auto"},
        connect_timeout=CONNECT_SECONDS,
        read_timeout=read_seconds,
        retries={"mode": "standard", "total_max_attempts": attempts},
        # We give checksums ourselves where the store knows them; others get none they would refuse.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        proxies={"http": proxy, "https": proxy} if proxy else {},  # not those of the environment
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
        return session.client("s3", endpoint_url=place.endpoint, config=config, verify=ca_bundle)
    except InvalidRegionError:
        raise ImportFailure(Reason.INVALID_SPEC, f"{field}.region is not the name of a region.") from None
    except ValueError:
        message = f"{field}.endpoint is no address: its host may have letters, digits, dots and hyphens; a port is at "
        raise ImportFailure(Reason.INVALID_SPEC, f"{message}most 65535.") from None
