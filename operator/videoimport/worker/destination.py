"""The object store: one adapter over boto3, whose errors it turns into ours."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, InvalidRegionError, ParamValidationError, SSLError

from videoimport.api.destination import S3Destination
from videoimport.api.reasons import Reason
from videoimport.worker.credentials import Keys
from videoimport.worker.errors import ImportFailure

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

CONNECT_SECONDS = 10
READ_SECONDS = 60
_ATTEMPTS = 5

_NOT_FOUND = ("NoSuchBucket",)
_DENIED = (
    "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken", "InvalidSecurity",
    "TokenRefreshRequired", "AllAccessDisabled", "AccountProblem", "NotSignedUp", "XMinioInvalidAccessKeyId",
    "XAdminUserNotFound",
)  # fmt: skip
_ELSEWHERE = ("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301")
_ADVICE = "correct the keys or their permissions (s3:GetObject, s3:PutObject, s3:ListBucket, s3:AbortMultipartUpload)"


@dataclass(frozen=True, slots=True)
class Facts:
    """What HEAD tells of an object."""

    size: int
    etag: str
    checksum: str | None
    """ChecksumSHA256 as the store has it; of a multipart object the composite one."""
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Store:
    """A bucket. Every call raises ImportFailure with a Destination* reason."""

    client: "S3Client"
    bucket: str

    @contextmanager
    def translated(self, doing: str) -> Iterator[None]:
        """Botocore's errors inside become ours; ``doing`` completes "The object store did not let us …"."""
        try:
            yield
        except ClientError as error:
            raise failure_of(error_code(error), _status(error), self.bucket, doing) from None
        except ParamValidationError:
            raise ImportFailure(Reason.INVALID_SPEC, f"spec.destination is not what S3 accepts ({doing}).") from None
        except SSLError:
            message = "The object store's certificate is not valid; have it mended, or use the right host name."
            raise ImportFailure(Reason.CERTIFICATE_INVALID, message) from None
        except (BotoCoreError, OSError) as error:
            message = f"The object store did not answer ({type(error).__name__}) when we wanted to {doing}."
            raise ImportFailure(Reason.DESTINATION_UNAVAILABLE, message) from None

    def read(self, key: str) -> bytes | None:
        """A small object's content, or None where there is none."""
        with self.translated(f"read {key}"):
            try:
                return self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
            except ClientError as error:
                if error_code(error) in ("NoSuchKey", "404"):
                    return None
                raise

    def head(self, key: str) -> Facts | None:
        """What an object is, or None where there is none."""
        with self.translated(f"look at {key}"):
            try:
                found = self.client.head_object(Bucket=self.bucket, Key=key, ChecksumMode="ENABLED")
            except ClientError as error:
                if error_code(error) in ("NoSuchKey", "404", "NotFound"):
                    return None
                raise
        return Facts(
            found["ContentLength"], found.get("ETag", ""), found.get("ChecksumSHA256"), found.get("Metadata", {})
        )

    def write(self, key: str, content: bytes, metadata: Mapping[str, str]) -> None:
        """A small JSON object, whole."""
        with self.translated(f"write {key}"):
            self.client.put_object(
                Bucket=self.bucket, Key=key, Body=content, ContentType="application/json", Metadata=dict(metadata)
            )

    def delete(self, key: str) -> None:
        """An object is no more."""
        with self.translated(f"delete {key}"):
            self.client.delete_object(Bucket=self.bucket, Key=key)


def connect(destination: S3Destination, keys: Keys | None) -> Store:
    """A client for the destination's bucket; nothing is asked yet. Without keys, requests are not signed.

    Raises ImportFailure INVALID_SPEC for an endpoint or a region that is none.
    """
    config = Config(
        signature_version="s3v4" if keys else UNSIGNED,
        s3={"addressing_style": "path" if destination.endpoint else "auto"},
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        # We give checksums ourselves where the store knows them; others get none they would refuse.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        proxies={},  # not those of the environment
        max_pool_connections=16,
    )
    session = boto3.session.Session(
        aws_access_key_id=keys.key_id if keys else None,
        aws_secret_access_key=keys.secret if keys else None,
        aws_session_token=keys.token if keys else None,
        region_name=destination.region,
    )
    try:
        if destination.endpoint:
            urlsplit(destination.endpoint).port  # noqa: B018 — read for the error it raises; boto3 looks only later
        client = session.client("s3", endpoint_url=destination.endpoint, config=config)
    except InvalidRegionError:
        raise ImportFailure(Reason.INVALID_SPEC, "destination.s3.region is not the name of a region.") from None
    except ValueError:
        message = "destination.s3.endpoint is no address: its host may have letters, digits, dots and hyphens; a port "
        raise ImportFailure(Reason.INVALID_SPEC, f"{message}is at most 65535.") from None
    return Store(client, destination.bucket)


def error_code(error: ClientError) -> str:
    """The store's word for what went wrong; for answers without a body the HTTP status."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def failure_of(code: str, status: int, bucket: str, doing: str) -> ImportFailure:
    """Our failure for a store's error code and HTTP status."""
    said = f"The object store did not let us {doing}: {code}"
    if code in _NOT_FOUND:
        message = f"There is no bucket {bucket!r}; create it or correct destination.s3.bucket."
        return ImportFailure(Reason.DESTINATION_NOT_FOUND, message)
    if code in _DENIED or status in (401, 403):
        return ImportFailure(Reason.DESTINATION_DENIED, f"{said}; {_ADVICE}.")
    if code in _ELSEWHERE:
        return ImportFailure(Reason.INVALID_SPEC, f"{said}; destination.s3.region is not the bucket's.")
    return ImportFailure(Reason.DESTINATION_UNAVAILABLE, f"{said}.")
