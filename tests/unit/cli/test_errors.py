"""Whatever keeps a command from beginning is told with what was found and what to do."""

import ast
import re
from pathlib import Path

import pytest

import videoimport.cli
from support.every_case import every_case
from videoimport.cli.api_responses import format_refusal
from videoimport.cli.errors import UnusableError
from videoimport.cli.manifests.documents import read

_WAY_OUT = re.compile(r"[;:.] (?:\w|-)")
"""Behind what was found: a part of its own."""


def _literals() -> list[tuple[str, str]]:
    """Place and text of each problem that the source raises or yields; what is only known at run time is an X."""
    found = []
    for path in sorted(Path(videoimport.cli.__file__).parent.rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "UnusableError":
                texts = [part for part in call.args if isinstance(part, ast.JoinedStr | ast.Constant)]
                said = [(f"{path.name}:{call.lineno}", _text(part)) for part in texts]
                found += [(place, text) for place, text in said if text.strip("X")]
    return found


def _text(node: ast.JoinedStr | ast.Constant) -> str:
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in parts)


LITERALS = _literals()


def test_the_source_is_read_as_it_is() -> None:
    assert len(LITERALS) > 15


@every_case(("place", "text"), LITERALS)
def test_each_problem_says_what_to_do(place: str, text: str) -> None:
    assert _WAY_OUT.search(text.removeprefix("X: ")), f"{place}: {text}"
    assert text.endswith((".", " X")), f"{place}: a sentence, perhaps one that is only known at run time"


def test_a_file_that_is_not_there_is_named_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "none.yaml"
    with pytest.raises(UnusableError) as told:
        read([str(path)])
    assert str(told.value) == (
        f"{path} cannot be read: No such file or directory; correct --filename, or let this user read it."
    )


@pytest.mark.parametrize(
    ("status", "answer", "words"),
    [
        (404, {"message": 'bulkimports "x" not found'}, 'bulkimports "x" not found; correct the name'),
        (403, {"message": "it is forbidden."}, 'it is forbidden; ask for the ClusterRole "view"'),
        (401, {"message": "Unauthorized"}, "Unauthorized; renew the login"),
        (500, {"message": "broken"}, "broken; try again"),
        (404, {}, "install videoimport there"),
        (503, {}, "answered 503 without a message; try again"),
    ],
)
def test_what_a_cluster_refuses_is_told_with_the_way_out(status: int, answer: dict[str, str], words: str) -> None:
    assert words in format_refusal(status, answer)
