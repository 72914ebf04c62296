"""Every text for people that is written at a place where a run's end is decided, read from the source itself."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import videoimport

ROOT = Path(videoimport.__file__).parent
_ENDS = {"ImportFailure": 1, "Interruption": 1, "Finding": 1, "Outcome": 1, "Answer": 1}
"""Position of the message in calls of these."""
_ADVICE_AT = {"Finding": 2}
_ANYTHING = "X"
"""Stands for what is only known at run time."""


@dataclass(frozen=True)
class Site:
    """One call."""

    place: str
    reason: str | None
    message: str | None
    """None where the text comes from elsewhere."""
    advice: str | None


def sites() -> list[Site]:
    """All of them, in the order of the files."""
    return [site for path in sorted(ROOT.rglob("*.py")) for site in _of_file(path)]


def _of_file(path: Path) -> Iterator[Site]:
    text = path.read_text()
    if not any(name in text for name in _ENDS):
        return
    tree = ast.parse(text)
    constants = _assigned(tree.body)
    for call, scope in _calls(tree):
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        if name not in _ENDS or any(isinstance(argument, ast.Starred) for argument in call.args):
            continue
        known = {**constants, **(_before(scope, call) if scope else {})}
        place = f"{path.relative_to(ROOT)}:{call.lineno}"
        reason = call.args[0].attr if call.args and isinstance(call.args[0], ast.Attribute) else None
        message, advice = _argument(call, _ENDS[name], "message"), _argument(call, _ADVICE_AT.get(name, 99), "advice")
        yield Site(place, reason, _text(message, known), _text(advice, known))


def _calls(node: ast.AST, scope: ast.AST | None = None) -> Iterator[tuple[ast.Call, ast.AST | None]]:
    """Each call with the innermost function around it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call):
            yield child, scope
        yield from _calls(child, child if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) else scope)


def _argument(call: ast.Call, at: int, name: str) -> ast.expr | None:
    given = next((keyword.value for keyword in call.keywords if keyword.arg == name), None)
    return given or (call.args[at] if len(call.args) > at else None)


def _assigned(body: list[ast.stmt]) -> dict[str, ast.expr]:
    return {
        target.id: node.value
        for node in body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _before(scope: ast.AST, call: ast.Call) -> dict[str, ast.expr]:
    """What a name was given last above the call."""
    found = [node for node in ast.walk(scope) if isinstance(node, ast.Assign) and node.lineno <= call.lineno]
    return _assigned(sorted(found, key=lambda node: node.lineno))


def _text(node: ast.expr | None, known: dict[str, ast.expr], depth: int = 3) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = [_text(part, known) or _ANYTHING for part in node.values]
        return "".join(parts)
    if isinstance(node, ast.FormattedValue):
        return _text(node.value, known, depth - 1) if depth and isinstance(node.value, ast.Name) else _ANYTHING
    if isinstance(node, ast.Name) and node.id in known and depth:
        return _text(known[node.id], {name: value for name, value in known.items() if name != node.id}, depth - 1)
    return None
