"""The folder `hack` is no package of the project: it is put on the path for its own tests."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "hack"))
sys.path.append(str(Path(__file__).resolve().parents[2]))
