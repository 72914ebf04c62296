"""docs/operations.md tells every metric, and no other."""

import inspect
import re
from pathlib import Path

from prometheus_client import Counter

from videoimport.controller.telemetry import metrics

PAGE = Path(__file__).resolve().parents[3] / "docs/operations.md"


def test_the_table_has_every_metric_by_the_name_that_prometheus_shows() -> None:
    counters = {name for name, kind in metrics.REGISTRY._names_to_collectors.items() if isinstance(kind, Counter)}
    found = set(re.findall(r'"(videoimport_[a-z_]+)"', inspect.getsource(metrics)))
    assert found
    shown = {f"{name}_total" if name in counters else name for name in found}
    assert set(re.findall(r"`(videoimport_[a-z_]+)", PAGE.read_text())) == shown
