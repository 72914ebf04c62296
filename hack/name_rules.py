#!/usr/bin/env python3
"""Checks the names of functions in core, and that no two classes of the operator share a name.

At least 95 % of core's functions start with a verb, and none with a participle or a gerund. Properties and special
methods do not count. Prints the figures and the offenders; exits with 1 beyond a bound.
"""

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

OPERATOR = Path(__file__).resolve().parent.parent / "operator/videoimport"
LEAST_VERBS = 0.95
MOST_PARTICIPLES = 0.0
VERBS = frozenset({
    "accept", "add", "append", "assign", "assume", "begin", "build", "can", "cancel", "check",
    "classify", "cleanup", "clear", "collect", "combine", "complete", "compute", "conclude", "convert", "count",
    "create", "delete", "deliver", "derive", "describe", "detect", "diagnose", "diff", "drop", "encode", "ensure",
    "estimate", "expect", "explain", "extend", "extract", "fail", "fill", "finalize", "find", "finish", "fit",
    "follow", "format", "get", "guard", "handle", "has", "hash", "hold", "is", "join", "judge", "keep", "limit",
    "list", "mark", "match", "measure", "merge", "needs", "observe", "parse", "patch", "plan", "prepare", "prune",
    "put", "queue", "rank", "read", "reconcile", "record", "reference", "refuse", "reject", "remove", "report",
    "request", "resolve", "restart", "resume", "retire", "retry", "run", "select", "shorten", "skip", "split",
    "start", "stop", "suspend", "take", "translate", "truncate", "update", "wait", "weigh",
})  # fmt: skip
IRREGULAR = frozenset({
    "begun", "drawn", "given", "gone", "held", "kept", "left", "lost", "made", "met", "said", "seen",
    "sent", "shown", "spent", "told", "unbound", "written",
})  # fmt: skip
"""Participles that have no regular ending."""
_PARTICIPLE = re.compile(r"[a-z]{2,}(ed|ing)")


def first_word(name: str) -> str:
    """Return the first word of a name in snake case."""
    return name.lstrip("_").partition("_")[0]


def is_participle(name: str) -> bool:
    """Return whether a name starts with a participle or a gerund."""
    word = first_word(name)
    return word in IRREGULAR or (word not in VERBS and bool(_PARTICIPLE.fullmatch(word)))


def functions_of(tree: ast.AST) -> Iterator[str]:
    """Yield the names of all functions and methods of a module, without properties and special methods."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("__"):
            continue
        if not any("property" in ast.unparse(decorator) for decorator in node.decorator_list):
            yield node.name


def modules_of(folder: Path) -> Iterator[tuple[str, ast.AST]]:
    """Yield the path below ``folder`` and the syntax tree of each module."""
    for path in sorted(folder.rglob("*.py")):
        yield str(path.relative_to(folder)), ast.parse(path.read_text())


def shared_classes(modules: Iterable[tuple[str, ast.AST]]) -> dict[str, list[str]]:
    """Return the names that belong to two classes, without leading underscores, with the modules that define them."""
    found: dict[str, list[str]] = defaultdict(list)
    for path, tree in modules:
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                found[node.name.lstrip("_")].append(path)
    return {name: paths for name, paths in found.items() if len(paths) > 1}


def problems(folder: Path) -> list[str]:
    """Return a sentence for each bound that the package in ``folder`` does not keep."""
    modules = list(modules_of(folder))
    core = [(path, tree) for path, tree in modules if path.startswith("core/")]
    named = [(path, name) for path, tree in core for name in functions_of(tree)]
    verbs = sum(first_word(name) in VERBS for _, name in named) / max(1, len(named))
    participles = [f"{path}: {name}" for path, name in named if is_participle(name)]
    print(f"core: {len(named)} functions, {verbs:.0%} start with a verb, {len(participles)} with a participle")
    found = [f"Class {name} is defined in {' and in '.join(paths)}." for name, paths in shared_classes(modules).items()]
    if verbs < LEAST_VERBS:
        found.append(f"Only {verbs:.0%} of core's functions start with a verb; at least {LEAST_VERBS:.0%} must.")
    if len(participles) > MOST_PARTICIPLES * len(named):
        found.append(f"Too many of core's functions start with a participle: {', '.join(participles)}.")
    return found


def main() -> int:
    """Run the check. Return 0 if all bounds are kept, and 1 otherwise."""
    found = problems(OPERATOR)
    print("\n".join(found), file=sys.stderr, end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
