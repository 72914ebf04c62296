"""One pod as a local process: the folders of the volumes, the memory limit, and the end of the process.

The worker receives each mount as an option, because a process without a container cannot have its own ``/scratch``.
"""

import asyncio
import contextlib
import os
import re
import shutil
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from videoimport.api.labels import TASK
from videoimport.api.quantity import amount_of
from videoimport.api.tasks import import_task, listing_task, webhook_task
from videoimport.api.tasks.import_report import MAX_BYTES
from videoimport.cli.embedded.local_volumes import LocalVolumes
from videoimport.cli.embedded.private_folder import write_files
from videoimport.controller.client.resources import Raw
from videoimport.worker.runtime.forked_process import end_with_parent

_OPTIONS: Mapping[str, str] = {
    import_task.SCRATCH_PATH: "--scratch",
    import_task.DESTINATION_CREDENTIALS_PATH: "--credentials",
    import_task.SOURCE_CREDENTIALS_PATH: "--source-credentials",
    import_task.SOURCE_VOLUME_PATH: "--source-volume",
    import_task.DESTINATION_VOLUME_PATH: "--destination-volume",
    listing_task.MANIFEST_PATH: "--manifest",
    webhook_task.WEBHOOK_SECRET_PATH: "--webhook-secret",
}
"""Option of the worker by the mount path of a folder."""
_FILES: Mapping[str, str] = {import_task.TASK_PATH: "--task", import_task.CA_BUNDLE_PATH: "--ca-bundle"}
"""Option of the worker by the path of a file."""
_MEMORY_SECONDS = 0.5
_SIGNALLED = 128
_KEPT = re.compile("PATH|LANG|LC_.*|TZ|LD_LIBRARY_PATH|PYTHON.*|SSL_CERT_(FILE|DIR)")
"""Names of the environment variables that the process inherits. Others may be secrets, such as keys of an
object store."""
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Termination:
    """The end of a pod's process."""

    exit_code: int
    """Exit code as a kubelet reports it. If a signal ended the process, this is 128 plus the signal number."""
    message: str
    oom_killed: bool


@dataclass(slots=True)
class PodProcess:
    """The process of one pod, with a private folder for its files. The folder is removed at the end."""

    pod: Raw
    folder: Path
    log: Path
    verbose: bool = False
    """True if the error stream of the process goes to the error stream of this program, not to the log."""
    _process: asyncio.subprocess.Process | None = None
    _oom_killed: bool = False
    _stopped: bool = False
    """True if the process must end. This may be set before the process exists."""

    async def run(self, volumes: LocalVolumes, started: Callable[[], None]) -> Termination:
        """Run the process to its end. ``started`` is called once the process exists."""
        self.folder.mkdir(mode=0o700)
        try:
            argv = [sys.executable, "-P", "-m", "videoimport.worker", *self._build_options(volumes)]
            with self.log.open("wb") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *argv,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=None if self.verbose else log,
                    env=self._build_environment(),
                    start_new_session=True,  # Ctrl-C reaches only this program, which stops the workers in order
                    preexec_fn=_end_with_parent,
                )
            if self._stopped:
                self.kill()
            started()
            return await self._wait(self._process)
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    async def stop(self, grace_seconds: float) -> None:
        """Send SIGTERM, and SIGKILL after the grace period. A process that is about to start ends at once."""
        self._stopped = True
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), grace_seconds)
        self.kill()

    def kill(self) -> None:
        """Send SIGKILL. With the worker, the kernel ends the processes that the worker started."""
        self._stopped = True
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def _wait(self, process: asyncio.subprocess.Process) -> Termination:
        watch = asyncio.create_task(self._watch_memory(process.pid))
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            self.kill()
            raise
        finally:
            watch.cancel()
        message = self._message.read_bytes()[:MAX_BYTES].rstrip(b"\0").decode(errors="replace")
        return Termination(code if code >= 0 else _SIGNALLED - code, message, self._oom_killed)

    async def _watch_memory(self, root: int) -> None:
        """Kill the process when its process tree uses more memory than the limit of the container."""
        limit = self.pod["spec"]["containers"][0].get("resources", {}).get("limits", {}).get("memory")
        while limit is not None:
            await asyncio.sleep(_MEMORY_SECONDS)
            if read_tree_memory(root) > amount_of(limit):
                self._oom_killed = True
                self.kill()

    @property
    def _message(self) -> Path:
        return self.folder / "termination-message"

    def _build_environment(self) -> dict[str, str]:
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if _KEPT.fullmatch(name)}
        return {**kept, "HOME": str(temporary), "TMPDIR": str(temporary)}

    def _build_options(self, volumes: LocalVolumes) -> list[str]:
        """Write the content of all volumes and return the options with their paths."""
        with self._message.open("wb") as file, contextlib.suppress(OSError):
            os.posix_fallocate(file.fileno(), 0, MAX_BYTES)  # a full disk must not cost the report
        words = ["--termination-message", str(self._message)]
        sources = {volume["name"]: volume for volume in self.pod["spec"].get("volumes", [])}
        folders = {name: self._fill(volume, volumes) for name, volume in sources.items()}
        for mount in self.pod["spec"]["containers"][0].get("volumeMounts", []):
            words += _list_options(mount["mountPath"], folders[mount["name"]])
        return words

    def _fill(self, volume: Raw, volumes: LocalVolumes) -> Path:
        """Return the folder with the content of a volume."""
        namespace = self.pod["metadata"]["namespace"]
        if "persistentVolumeClaim" in volume:
            claim = volumes.claim(namespace, volume["persistentVolumeClaim"]["claimName"])
            if claim is not None:
                return claim
        return write_files(self.folder / f"volume-{volume['name']}", self._list_content(volume, namespace, volumes))

    def _list_content(self, volume: Raw, namespace: str, volumes: LocalVolumes) -> Mapping[str, bytes]:
        if "downwardAPI" in volume:
            text = self.pod["metadata"]["annotations"][TASK]
            return {item["path"]: text.encode() for item in volume["downwardAPI"]["items"]}
        if "secret" in volume:
            return volumes.secret(namespace, volume["secret"]["secretName"])
        if "configMap" not in volume:
            return {}
        content, items = volumes.config_map(namespace, volume["configMap"]["name"]), volume["configMap"].get("items")
        return content if items is None else {i["path"]: content[i["key"]] for i in items if i["key"] in content}


def _list_options(mount_path: str, folder: Path) -> list[str]:
    """Return the options of the worker for a mount: one option for a known folder, or one option for each known file in
    the folder."""
    if mount_path in _OPTIONS:
        return [_OPTIONS[mount_path], str(folder)]
    files = {path: option for path, option in _FILES.items() if path.rpartition("/")[0] == mount_path}
    found = [(option, folder / path.rpartition("/")[2]) for path, option in files.items()]
    return [word for option, path in found if path.exists() for word in (option, str(path))]


def _end_with_parent() -> None:
    """Send SIGTERM to the worker if this program is killed. This function runs in the child before the worker."""
    end_with_parent(signal.SIGTERM)


def read_tree_memory(root: int) -> int:
    """Return the bytes of private memory of a process and all its descendants, without the page cache."""
    parents: dict[int, int] = {}
    private: dict[int, int] = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                process = int(entry.name)
                parents[process] = int(Path(entry.path, "stat").read_text().rpartition(")")[2].split()[1])
                resident, shared = Path(entry.path, "statm").read_text().split()[1:3]
                private[process] = (int(resident) - int(shared)) * _PAGE_BYTES
    return sum(size for process, size in private.items() if _is_below(process, root, parents))


def _is_below(process: int, root: int, parents: Mapping[int, int]) -> bool:
    while process not in (root, 0):
        process = parents.get(process, 0)
    return process == root
