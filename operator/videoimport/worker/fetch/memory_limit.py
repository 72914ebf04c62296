"""Memory limit of a process that handles untrusted input.

Beyond the limit the kernel refuses memory. Then Python raises MemoryError, and the process can report the reason.
Without the limit the kernel kills the process. Then no report could tell a hostile web page from a container
whose memory limit is too low.

RLIMIT_DATA limits private writable mappings, which include 8 MiB for the stack of each thread.
"""

import contextlib
import resource
from collections.abc import Iterator

FETCH_BYTES = 768 * 2**20
"""Memory limit of a fetch in bytes. A segment of a stream is in memory as a whole. A web page is far smaller."""
LISTING_BYTES = 320 * 2**20
"""Memory limit of a listing in bytes. An idle process uses 64 MiB, and the worker beside it 50 MiB. The container's
default limit is 512 MiB."""
_RESERVE = 2**20


def limited(most_bytes: int) -> bytearray:
    """Limit the memory of this process to ``most_bytes``. Child processes inherit the limit unless they start inside
    ``lifted``.

    Returns reserved memory. A handler of MemoryError must release it first, so that it can work. An idle process uses
    64 MiB.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    soft = most_bytes if hard == resource.RLIM_INFINITY else min(most_bytes, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
    return bytearray(_RESERVE)


def lift() -> None:
    """Remove the limit, so that a process that has reached it can write its report."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


@contextlib.contextmanager
def lifted() -> Iterator[None]:
    """Remove the limit while the context is active.

    deno needs this, because it reserves 640 MiB of address space. It uses a fifth of that.
    """
    before = resource.getrlimit(resource.RLIMIT_DATA)
    lift()
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)
