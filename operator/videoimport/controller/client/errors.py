"""The errors of requests to the API server:

    ClusterError
      ├── Conflict          the object changed, or is another one, since it was read
      ├── AlreadyExists     the name is taken
      ├── NotFound
      ├── Gone              a list's continuation or a version is too old
      ├── Terminating       its namespace is being deleted, or is gone: nothing can be created there any more
      ├── Rejected          refused for good as it is: invalid, forbidden, over a quota
      ├── TooManyRequests   with the seconds that the server asks to wait
      └── Unavailable       no answer, a broken connection, or a server's error

``cluster`` raises these and nothing else.
"""


# ruff: noqa: N818 (they name what happened)


class ClusterError(Exception):
    """The API server's message, with the request."""


class Conflict(ClusterError):
    """The object changed, or is another one, since it was read."""


class AlreadyExists(ClusterError):
    """The name is taken."""


class NotFound(ClusterError):
    """It is not there."""


class Gone(ClusterError):
    """A list's continuation or a version is too old."""


class Rejected(ClusterError):
    """Refused for good as it is: invalid, forbidden, over a quota."""


class Terminating(ClusterError):
    """Its namespace is being deleted, or is gone. No wait changes that."""


class TooManyRequests(ClusterError):
    """The server wants a pause."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """In seconds."""


class Unavailable(ClusterError):
    """No answer, a broken connection, or a server's error."""
