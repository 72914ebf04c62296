"""`python3 hack/demo …`: makes the folder importable beside `cluster`, then runs the command line."""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)

from demo.cli import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
