"""What an object store's error codes mean to an import."""

from botocore.exceptions import ClientError

from videoimport.api.reasons import Reason
from videoimport.worker.errors import ImportFailure

ABSENT = ("NoSuchKey", "404", "NotFound")
UNMET = ("PreconditionFailed", "412", "ConditionalRequestConflict", "409")
"""A condition of ours did not hold; with 409 somebody else was at it in the same moment."""
_NO_BUCKET = ("NoSuchBucket",)
_DENIED = (
    "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken", "InvalidSecurity",
    "TokenRefreshRequired", "AllAccessDisabled", "AccountProblem", "NotSignedUp", "XMinioInvalidAccessKeyId",
    "XAdminUserNotFound",
)  # fmt: skip
_ELSEWHERE = ("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301")
_OPTIONS = {
    "InvalidStorageClass": "storageClass", "InvalidTag": "tags", "InvalidEncryptionAlgorithmError":
    "serverSideEncryption", "KMS.NotFoundException": "serverSideEncryption", "ServerSideEncryptionConfigurationNotFound"
    "Error": "serverSideEncryption",
}  # fmt: skip
_ADVICE = "correct the keys or their permissions (s3:GetObject, s3:PutObject, s3:ListBucket, s3:AbortMultipartUpload)"


def error_code(error: ClientError) -> str:
    """The store's word for what went wrong; for answers without a body the HTTP status."""
    return str(error.response.get("Error", {}).get("Code", ""))


def status(error: ClientError) -> int:
    """The HTTP status."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def failure_of(code: str, status: int, bucket: str, doing: str) -> ImportFailure:
    """Our failure for a store's error code and HTTP status."""
    said = f"The object store did not let us {doing}: {code}"
    if code in _NO_BUCKET:
        message = f"There is no bucket {bucket!r}; create it or correct destination.s3.bucket."
        return ImportFailure(Reason.DESTINATION_NOT_FOUND, message)
    if code in _DENIED or status in (401, 403):
        return ImportFailure(Reason.DESTINATION_DENIED, f"{said}; {_ADVICE}.")
    if code in _ELSEWHERE:
        return ImportFailure(Reason.INVALID_SPEC, f"{said}; destination.s3.region is not the bucket's.")
    if code in _OPTIONS:
        return ImportFailure(Reason.INVALID_SPEC, f"{said}; correct destination.s3.{_OPTIONS[code]}.")
    return ImportFailure(Reason.DESTINATION_UNAVAILABLE, f"{said}.")
