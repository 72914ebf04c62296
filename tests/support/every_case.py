"""Many short cases in one test: pytest takes longer for a test of its own than most of these cases."""

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

import pytest

Check = Callable[..., None]
_PARAM: type = type(pytest.param())


def every_case(names: str | tuple[str, ...], cases: Iterable[Any]) -> Callable[[Check], Check]:
    """Call a test with each case, as ``pytest.mark.parametrize`` does, but in one test that names all cases that fail.

    ``names`` are the arguments. A case has a value for each, or is the value of the only one, or a ``pytest.param``.
    Raises ExceptionGroup with the failure of each case, or AssertionError without cases. Not for tests whose fixtures
    a case would change.
    """
    fields = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    found = [_read_values(case, len(fields)) for case in cases]

    def decorate(check: Check) -> Check:
        @functools.wraps(check)
        def run(*given: Any, **others: Any) -> None:
            assert found, "no cases"
            failures = [failure for case in found if (failure := _find_failure(check, fields, case, *given, **others))]
            if failures:
                raise ExceptionGroup(f"{len(failures)} of {len(found)} cases failed", failures)

        whole = inspect.signature(check)
        kept = [one for name, one in whole.parameters.items() if name not in fields]
        run.__signature__ = whole.replace(parameters=kept)  # type: ignore[attr-defined]
        return run

    return decorate


def _read_values(case: Any, count: int) -> tuple[Any, ...]:
    if isinstance(case, _PARAM):
        return tuple(case.values)
    return (case,) if count == 1 else tuple(case)


def _find_failure(
    check: Check, fields: list[str], values: Iterable[Any], *given: Any, **others: Any
) -> Exception | None:
    case = dict(zip(fields, values, strict=True))
    try:
        check(*given, **others, **case)
    except Exception as failure:  # noqa: BLE001 — whatever fails, the other cases run
        failure.add_note(f"case: {case!r}")
        return failure
    return None
