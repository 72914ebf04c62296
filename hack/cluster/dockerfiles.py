"""Read from a Dockerfile the base images that a build needs."""

import re
from collections.abc import Mapping

INSTRUCTION = re.compile(r"^\s*(ARG|FROM)\s+(.+?)\s*$", re.IGNORECASE)
VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


def base_images(dockerfile: str, build_args: Mapping[str, str]) -> list[str]:
    """Return the base images, in order and without duplicates. Stages and `scratch` are left out."""
    values: dict[str, str] = {}
    stages: set[str] = {"scratch"}
    found: list[str] = []
    for line in dockerfile.splitlines():
        if not (match := INSTRUCTION.match(line)):
            continue
        keyword, rest = match[1].upper(), match[2]
        if keyword == "ARG":
            name, _, default = rest.partition("=")
            values[name] = build_args.get(name, default)
            continue
        words = [word for word in rest.split() if not word.startswith("--")]
        image = VARIABLE.sub(lambda variable: values.get(variable[1] or variable[2], ""), words[0])
        if image not in stages and image not in found:
            found.append(image)
        if len(words) == 3:
            stages.add(words[2])
    return found
