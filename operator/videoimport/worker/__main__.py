"""Entry point of the worker. The signal handlers are installed before the rest of the worker is imported."""

import sys
from collections.abc import Sequence

from videoimport.worker import early_stop as starting


def main(argv: Sequence[str] | None = None) -> None:
    """Run the worker. This function does not return, because the worker ends the process."""
    words = sys.argv[1:] if argv is None else argv
    starting.end_when_stopped(words)
    from videoimport.worker import process as running

    running.main(words)


if __name__ == "__main__":
    main()
