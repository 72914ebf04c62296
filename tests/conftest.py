"""Of all layers: which tests run, what is left out, and how much processor time a process took.

Hypothesis tries the same examples in every run, however busy the machine is. ``VIDEOIMPORT_TEST_EXPLORE=1`` tries
others each time.
"""

import json
import os
import resource
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from support.portion import IS_FULL, LEFT_OUT

_SHARED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("repeated", derandomize=True, **_SHARED)
settings.register_profile("explored", **_SHARED)
settings.load_profile("explored" if os.environ.get("VIDEOIMPORT_TEST_EXPLORE") else "repeated")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked ``full``, unless all tests are wanted or somebody named a test."""
    if IS_FULL or any("::" in argument for argument in config.args):
        return
    check_kept(items)
    left_out = [item for item in items if item.get_closest_marker("full") and not any(list_matches(item))]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
    LEFT_OUT.extend(item.nodeid for item in left_out)


def list_matches(item: pytest.Item) -> list[str]:
    """Return which patterns of ``full(but=...)`` the parameters of a test match: `make test` runs it for those."""
    marker, parameters = item.get_closest_marker("full"), getattr(item, "callspec", None)
    if marker is None or parameters is None:
        return []
    return [pattern for pattern in marker.kwargs.get("but", ()) if fnmatchcase(parameters.id, pattern)]


def check_kept(items: list[pytest.Item]) -> None:
    """Raise UsageError for a pattern that no longer matches: then `make test` would run less than it says."""
    wanted, met = dict[str, set[str]](), dict[str, set[str]]()
    for item in items:
        if marker := item.get_closest_marker("full"):
            test = item.nodeid.partition("[")[0]
            wanted[test] = set(marker.kwargs.get("but", ()))
            met.setdefault(test, set()).update(list_matches(item))
    if lost := {test: missing for test, patterns in wanted.items() if (missing := patterns - met[test])}:
        raise pytest.UsageError(f"full(but=...) names parameters that do not exist: {lost}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say that something was left out."""
    if LEFT_OUT:
        terminalreporter.write_line(f"{len(LEFT_OUT)} left out, which VIDEOIMPORT_TEST_FULL=1 runs (`make full-test`)")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Beside the results: what was left out, and the CPU seconds of this process and of all that it waited for."""
    if results := session.config.getoption("xmlpath", None):
        if process := sys.modules.get("support.loaded_process"):
            process.stop_server()
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        told = {"left_out": LEFT_OUT, "cpu_seconds": sum(each.ru_utime + each.ru_stime for each in used)}
        Path(results).with_suffix(".json").write_text(json.dumps(told, indent=1))
