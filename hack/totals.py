"""What a run of `hack/test` came to: counts, CPU time, what was left out and what failed."""

import json
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "build/test-results"


@dataclass(frozen=True)
class Outcome:
    """What a layer came to."""

    layer: str
    passed: int
    failed: int
    skipped: int
    seconds: float
    cpu_seconds: float = 0
    """Of its processes and of all that they waited for; not of a cluster."""
    left_out: tuple[str, ...] = ()
    """What `make full-test` runs and this run did not."""

    @property
    def good(self) -> bool:
        """Something ran, nothing failed and nothing was left out."""
        return self.passed > 0 and self.failed == 0 and self.skipped == 0


def read_counts(report: Path) -> tuple[int, int, int]:
    """Passed, failed, skipped. A run that left no report failed."""
    if not report.exists():
        return 0, 1, 0
    suites = list(ElementTree.parse(report).getroot().iter("testsuite"))
    total, failed, errors, skipped = (sum(int(suite.get(key, 0)) for suite in suites) for key in _KEYS)
    return total - failed - errors - skipped, failed + errors, skipped


_KEYS = ("tests", "failures", "errors", "skipped")


@dataclass(frozen=True)
class Details:
    """What tests/conftest.py wrote beside the results of a process."""

    cpu_seconds: float = 0
    left_out: tuple[str, ...] = ()


def read_details(path: Path) -> Details:
    """Read them; empty if the process ended before it wrote them, which its results show as a failure."""
    if not path.exists():
        return Details()
    found = json.loads(path.read_text())
    return Details(found["cpu_seconds"], tuple(found["left_out"]))


def list_failures(outcome: Outcome) -> list[str]:
    """A line for each test of the layer that failed, did not run or was skipped: its name and the first line of why."""
    lines = []
    for report in sorted(RESULTS.glob(f"{outcome.layer}*.xml")):
        for case in ElementTree.parse(report).getroot().iter("testcase"):
            lines += [f"{_name(case)}: {_why(bad)}" for kind in _BAD for bad in case.iter(kind)]
    return lines


_BAD = ("failure", "error", "skipped")


def _name(case: ElementTree.Element) -> str:
    return f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name', '')}"


def _why(bad: ElementTree.Element) -> str:
    return (bad.get("message", "").splitlines() or [bad.tag])[0][:200]


def print_totals(outcomes: Sequence[Outcome], seconds: float, notes: Sequence[str] = ()) -> None:
    """A row a layer with the seconds of its processes, the sum with the time that all took, then what was left out, and
    what failed."""
    print("\nlayer        passed  failed  skipped  left out  seconds  CPU seconds")
    for row in outcomes:
        _print_row(row.layer, row, row.seconds)
    kinds = ("passed", "failed", "skipped", "cpu_seconds")
    sums = {kind: sum(getattr(row, kind) for row in outcomes) for kind in kinds}
    _print_row("all", Outcome("all", seconds=seconds, left_out=left_out(outcomes), **sums), seconds)
    print_left_out(outcomes)
    for note in notes:
        print(note)
    for line in [line for row in outcomes if not row.good for line in list_failures(row)]:
        print(line)


def _print_row(name: str, row: Outcome, seconds: float) -> None:
    counts = f"{row.passed:7d} {row.failed:7d} {row.skipped:8d} {len(row.left_out):9d}"
    print(f"{name:<11} {counts} {seconds:8.0f} {row.cpu_seconds:12.0f}")


def left_out(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """Return what no layer ran."""
    return tuple(each for row in outcomes for each in row.left_out)


def print_left_out(outcomes: Sequence[Outcome]) -> None:
    """How much each process left out, by its first file, and the command that runs it."""
    if found := left_out(outcomes):
        print(f"\n{len(found)} tests, members and repetitions are left for `make full-test`:")
        for report, number in Counter(each.partition(": ")[0] for each in found).items():
            print(f"  {report:<36} {number:4d}   named in {RESULTS.relative_to(ROOT)}/{report}.json")
