"""`python3 hack/cluster …`: makes the folder importable as a package, then runs the command line.

The interpreter puts this folder itself on the path. It is replaced by the folder above, so that no module here can hide
one of the standard library's.
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)

from cluster.cli import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
