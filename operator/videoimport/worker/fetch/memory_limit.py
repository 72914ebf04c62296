"""Memory limit of a process that handles untrusted input.

The kernel refuses memory beyond it, so Python raises MemoryError and the process still reports why it ended. Without it
the kernel kills the process, and a hostile page looks like a container limit that is too low.

RLIMIT_DATA counts private writable mappings. That includes 8 MiB for the stack of each thread.
"""

import contextlib
import resource
from collections.abc import Iterator

FETCH_BYTES = 768 * 2**20
"""For a fetch. A segment of a stream is held whole; a page is far smaller."""
LISTING_BYTES = 320 * 2**20
"""For a listing. An idle process has 64 MiB, the worker beside it 50. The container's default limit is 512 MiB."""
_RESERVE = 2**20


def limited(most_bytes: int) -> bytearray:
    """Limit this process, and what it starts outside ``lifted``, to ``most_bytes``. An idle one has 64 MiB.

    Returns memory in reserve: clear it first where MemoryError is handled.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    soft = most_bytes if hard == resource.RLIM_INFINITY else min(most_bytes, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
    return bytearray(_RESERVE)


def lift() -> None:
    """Remove the limit, so that a process that has hit it can report."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


@contextlib.contextmanager
def lifted() -> Iterator[None]:
    """Remove the limit inside: deno reserves 640 MiB of address space, of which it uses a fifth."""
    before = resource.getrlimit(resource.RLIMIT_DATA)
    lift()
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)
