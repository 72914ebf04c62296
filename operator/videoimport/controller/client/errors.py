"""The errors of requests to the API server:

    ClusterError
      ├── Conflict          the object was changed or replaced since the last read
      ├── AlreadyExists     another object has the name
      ├── NotFound          the object does not exist
      ├── Gone              the continuation of a list, or a version, is too old
      ├── Terminating       the namespace is being deleted or is deleted, so no object can be created there any more
      ├── Rejected          the request is invalid, forbidden or over a quota, and repetition does not help
      ├── TooManyRequests   the server asks to wait for a number of seconds
      └── Unavailable       no response, a broken connection, or an error of the server

``api_client`` raises only these errors.
"""


# ruff: noqa: N818 (the names state what happened)


class ClusterError(Exception):
    """A failed request. The message has the request and the response of the API server."""


class Conflict(ClusterError):
    """The object was changed or replaced since the last read."""


class AlreadyExists(ClusterError):
    """Another object already has the name."""


class NotFound(ClusterError):
    """The object does not exist."""


class Gone(ClusterError):
    """The continuation of a list, or a version, is too old."""


class Rejected(ClusterError):
    """The request is invalid, forbidden or over a quota. Repetition of the same request does not help."""


class Terminating(ClusterError):
    """The namespace is being deleted or is deleted. Waiting does not help."""


class TooManyRequests(ClusterError):
    """The server asks the client to wait."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds to wait."""


class Unavailable(ClusterError):
    """There is no response, the connection is broken, or the server has an error."""
