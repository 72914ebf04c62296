"""The address guard in a process of its own, as it is there for the rest of a process's life."""

import subprocess
import sys
from pathlib import Path

from yt_dlp.extractor.youtube.jsc._builtin.deno import DenoJCP
from yt_dlp.utils._jsruntime import _find_exe

from support.fake_source_site import FakeSourceSite, fixed
from videoimport.worker.sandbox.address_guard import is_harmless

ATTEMPTS = """
import os, socket, subprocess, sys, urllib.request
from videoimport.worker.sandbox.address_guard import Guard
guard = Guard([])
guard.install()
port = int(sys.argv[1])
attempts = {
    "connect": lambda: socket.socket().connect(("127.0.0.1", port)),
    "connect_ex": lambda: socket.socket().connect_ex(("127.0.0.1", port)),
    "by name": lambda: socket.socket().connect(("localhost", port)),
    "create_connection": lambda: socket.create_connection(("localhost", port)),
    "udp": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", port)),
    "sendmsg": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendmsg([b"x"], [], 0, ("127.0.0.1", port)),
    "six": lambda: socket.socket(socket.AF_INET6).connect(("::ffff:127.0.0.1", port)),
    "unix": lambda: socket.socket(socket.AF_UNIX).connect("/run/any.sock"),
    "listen": lambda: socket.socket().bind(("127.0.0.1", 0)),
    "urllib": lambda: urllib.request.urlopen(f"http://127.0.0.1:{port}/"),
    "popen": lambda: subprocess.run(["curl", f"http://127.0.0.1:{port}/"]),
    "shell": lambda: subprocess.run("true", shell=True),
    "system": lambda: os.system("true"),
    "spawn": lambda: os.posix_spawn("/bin/true", ["true"], {}),
    "exec": lambda: os.execv("/bin/true", ["true"]),
    "fork": lambda: os.fork(),
}
for name, attempt in attempts.items():
    try:
        attempt()
    except OSError as error:
        continue
    print("passed:", name)
print("refused:", guard.refused, guard.refused_command)
"""


def test_every_way_out_is_shut(site: FakeSourceSite) -> None:
    site.routes["/"] = fixed(b"hello")
    port = site.url("").rpartition(":")[2]
    done = subprocess.run([sys.executable, "-c", ATTEMPTS, port], capture_output=True, text=True)
    assert done.stdout.splitlines() == ["refused: 127.0.0.1 curl"], done.stderr
    assert site.requests == []


def test_the_javascript_runtime_reaches_nothing(site: FakeSourceSite, tmp_path: Path) -> None:
    """The real deno, started as yt-dlp starts it: the guard lets it through because of these very options."""
    argv = [_find_exe("deno"), "run", *DenoJCP._DENO_BASE_OPTIONS, "-"]
    assert is_harmless(argv)
    script = f"""
        for (const attempt of [() => fetch("{site.url("/")}"), () => Deno.connect({{port: 1}}),
                               () => import("{site.url("/m.js")}"), () => Deno.readTextFile("/etc/hostname"),
                               () => new Deno.Command("true").output()]) {{
            try {{ await attempt(); console.log("passed"); }} catch (error) {{ console.log("refused"); }}
        }}"""
    env = {"HOME": str(tmp_path), "DENO_DIR": str(tmp_path), "DENO_NO_UPDATE_CHECK": "1", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(argv, input=script, capture_output=True, text=True, env=env)
    assert done.stdout.split() == ["refused"] * 5, done.stderr
    assert site.requests == []


READINGS = """
import os, sys
from pathlib import Path
from videoimport.worker.sandbox.address_guard import Guard
keys, scratch = sys.argv[1:]
Guard([], [keys]).install()
os.symlink(keys + "/secret", scratch + "/link")
parent = f"/proc/{os.getppid()}/environ"
for path in (keys + "/secret", scratch + "/link", scratch + "/../keys/secret", "/proc/self/root" + keys + "/secret",
             parent, parent.encode(), "/proc/self/../1/environ", "/proc/cpuinfo", "/proc/self/environ",
             f"/proc/self/task/{os.getpid()}/environ", "/proc/self/mem"):
    name = Path(os.fsdecode(path))
    for reading in (lambda: open(path), lambda: os.open(path, os.O_RDONLY), lambda: name.read_bytes()):
        try:
            reading()
        except PermissionError as error:
            if "not allowed in this process" in str(error):
                continue
        print("passed:", path)
open("/proc/self/status").read()
Path(scratch, "file").write_text("x")
print("done")
"""


def test_keys_and_other_processes_cannot_be_read(tmp_path: Path) -> None:
    keys, scratch = tmp_path / "keys", tmp_path / "scratch"
    keys.mkdir()
    scratch.mkdir()
    (keys / "secret").write_text("secret")
    done = subprocess.run([sys.executable, "-c", READINGS, keys, scratch], capture_output=True, text=True)
    assert done.stdout.splitlines() == ["done"], done.stderr
