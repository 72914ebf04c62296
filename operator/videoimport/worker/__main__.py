"""The worker's entry point: prepares for a stop, and only then imports the worker."""

import sys
from collections.abc import Sequence

from videoimport.worker import early_stop as starting


def main(argv: Sequence[str] | None = None) -> None:
    """Run the worker. The process ends within."""
    words = sys.argv[1:] if argv is None else argv
    starting.end_when_stopped(words)
    from videoimport.worker import process as running

    running.main(words)


if __name__ == "__main__":
    main()
