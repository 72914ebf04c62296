"""The copy of a process behaves as a process that a new interpreter began.

The tests' own process has threads, so each test asks a fresh interpreter to fork.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

PARENT = """
import json, os, signal, sys, threading
from videoimport.worker.runtime.forked_process import ForkedProcess, can_fork

def main():
    line = sys.stdin.readline().strip()
    {body}

signal.signal(signal.SIGTERM, lambda *_: None)
held = open(os.devnull)
os.environ["SECRET"] = "x"
child = ForkedProcess.start(main, {{"LANG": "C", "HOME": "/h"}}, "worker.fetch")
child.stdin.write("a line\\n")
child.stdin.flush()
{after}
print(json.dumps(dict(out=child.stdout.read(), code=child.wait(), again=child.poll())))
"""


@pytest.fixture
def forked() -> Callable[..., Any]:
    def run(body: str, after: str = "") -> Any:
        script = PARENT.format(body=body, after=after)
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        return json.loads(done.stdout) | {"log": done.stderr}

    return run


def test_it_reads_its_input_and_its_output_is_read(forked: Callable[..., Any]) -> None:
    assert forked("print(line.upper())") == {"out": "A LINE\n", "code": 0, "again": 0, "log": ""}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("sys.exit(7)", 7),
        ("sys.exit()", 0),
        ("sys.exit('no')", 1),
        ("raise ValueError('wrong')", 1),
        ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
        ("os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM),  # the parent's handler is not the copy's
    ],
)
def test_its_exit_code_is_that_of_a_program(forked: Callable[..., Any], body: str, code: int) -> None:
    ended = forked(body)
    assert (ended["code"], ended["again"]) == (code, code)
    assert ("ValueError: wrong" in ended["log"]) == ("ValueError" in body)


def test_it_has_nothing_of_its_parent_but_its_modules(forked: Callable[..., Any]) -> None:
    body = """
    print(json.dumps(dict(
        env=dict(os.environ), files=sorted(map(int, os.listdir("/proc/self/fd"))), path=sys.path,
        is_leader=os.getsid(0) == os.getpid(), name=open("/proc/self/comm").read().strip(),
    )))"""
    told = json.loads(forked(body.strip())["out"])
    assert told["env"] == {"LANG": "C", "HOME": "/h"}
    assert [number for number in told["files"] if number > 2] == [3], "3 is the folder that it lists"
    assert "" not in told["path"], "no module comes from the current folder"
    assert told["is_leader"]
    assert told["name"] == "worker.fetch"


def test_it_ends_with_its_parent() -> None:
    """Even if the parent is killed and can end nothing. The copy has the parent's stderr, so its end closes that."""
    script = PARENT.format(
        body="os.write(1, b'ready'); signal.pause()",
        after="os.read(child.stdout.fileno(), 5); os.kill(os.getpid(), signal.SIGKILL)",
    )
    ended = subprocess.run([sys.executable, "-c", script], stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    assert ended.returncode == -signal.SIGKILL


def test_a_process_with_a_second_thread_is_not_copied() -> None:
    script = """
import threading
from videoimport.worker.runtime.forked_process import can_fork
over = threading.Event()
print(can_fork())
other = threading.Thread(target=over.wait)
other.start()
print(can_fork())
over.set()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]


def test_its_end_is_seen_although_its_parent_ignores_the_end_of_processes(forked: Callable[..., Any]) -> None:
    """The kernel removes such a process at once, with its exit code."""
    assert forked("print(line)", after="signal.signal(signal.SIGCHLD, signal.SIG_IGN)")["out"] == "a line\n"


def test_a_copy_that_has_no_session_of_its_own_yet_is_killed() -> None:
    script = """
import os, signal, time
from videoimport.worker.runtime.subprocesses import Children
def main():
    time.sleep(600)
os.setsid = lambda: time.sleep(600)
main.__module__ = "videoimport.worker.fetch"
children = Children(may_copy=True)
child = children.start_python(main, {}, "The fetching process")
child.kill()
print(child._process.wait())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == [str(-signal.SIGKILL)]


def test_a_process_that_the_container_cannot_start_is_no_fault_of_this_program() -> None:
    script = """
import errno, os
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.subprocesses import Children
def fork():
    raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
os.fork = fork
before = len(os.listdir("/proc/self/fd"))
try:
    Children(may_copy=True).start_python(lambda: None, {}, "The fetching process")
except ImportFailure as failure:
    print(failure.reason.value, len(os.listdir("/proc/self/fd")) - before)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["OutOfMemory", "0"]


def test_only_the_owner_of_a_task_is_copied() -> None:
    """Another program that uses the worker's classes, such as the command `find`, may have a secret in its memory."""
    script = """
from videoimport.worker.runtime.forked_process import ForkedProcess
from videoimport.worker.runtime.subprocesses import Children
ForkedProcess.start = None
from videoimport.worker.fetch.process import main
child = Children().start_python(main, {}, "The fetching process")
child.tell("")
print(child.ended().code)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0"]


def test_a_signal_between_the_end_of_a_copy_and_its_code_loses_neither() -> None:
    """The handler of a stop kills all child processes, while the main thread waits for one of them."""
    script = """
import os, signal
from videoimport.worker.runtime.subprocesses import Children
def main():
    os._exit(7)
main.__module__ = "videoimport.worker.fetch"
children = Children(may_copy=True)
child = children.start_python(main, {}, "The fetching process")
waitpid, moments = os.waitpid, []
def interrupted(pid, options):
    found = waitpid(pid, options)
    os.kill(os.getpid(), signal.SIGUSR1)
    return found
signal.signal(signal.SIGUSR1, lambda *_: (children.kill_all(), moments.append(child.running)))
os.waitpid = interrupted
print(child._process.wait(), moments)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["7", "[False]"]
