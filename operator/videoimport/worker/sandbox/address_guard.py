"""The address guard: an audit hook that lets this process connect to public addresses only.

The hook checks the numeric address of every connection and cannot be removed. Redirects, DNS rebinding, IPv4 addresses
mapped into IPv6 and numeric host names therefore do not bypass the hook. Child processes do not inherit the hook, so
the only program that may start is deno, without network access.

The hook also refuses to open files that a source does not need: the destination's credentials and other processes in
/proc.

The hook stops Python code only. It does not stop native code, or a path relative to an open folder.
"""

import ipaddress
import os
import sys
import threading
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Any

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_DENIED = tuple(
    ipaddress.ip_network(network)
    for network in (
        "168.63.129.16/32",  # Azure host services, although the address is public
        "192.0.0.0/24",  # IETF protocol assignments, and Oracle's metadata at .192; older Pythons call them global
        "192.88.99.0/24",  # 6to4 relays, no longer assigned
        "fec0::/10",  # site-local, no longer assigned
        "3fff::/20",  # documentation
    )
)
"""Networks that are refused even if the interpreter's tables list them as public."""
_SPAWNING = ("subprocess.Popen", "os.posix_spawn")
_NEVER = ("os.system", "os.exec", "os.spawn", "os.fork", "os.forkpty", "pty.spawn", "os.startfile")
_SENDING = ("socket.connect", "socket.sendto", "socket.sendmsg")


class ForbiddenError(PermissionError):
    """The address guard refused a connection, a file or a program.

    This is an OSError, so that a library tries the other addresses of a host.
    """


def inner(address: Address) -> Address:
    """Return the IPv4 address inside an IPv6 address (mapped, 6to4, Teredo, NAT64). Return any other address
    unchanged."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo[1] if address.teredo else None
    return address.ipv4_mapped or address.sixtofour or teredo or address


def is_allowed(host: str, allowed: Sequence[Network]) -> bool:
    """Return whether a connection to ``host`` is allowed.

    ``host`` is a numeric address that is public or in one of the ``allowed`` networks. Host names are never allowed.
    """
    try:
        address = inner(ipaddress.ip_address(host))
    except ValueError:
        return False  # a name, or a number in another notation: C code resolves it, where no Python code can check it
    if _is_in(address, allowed):
        return True
    if _is_in(address, _DENIED):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _is_in(address: Address, networks: Iterable[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def _is_below(path: str, folders: Iterable[str]) -> bool:
    return any(path == folder or path.startswith(folder + "/") for folder in folders)


def _is_own(path: str) -> bool:
    """Return whether a file in /proc describes this process. A copy of the worker does not read the worker's memory and
    environment variables, which are its own too."""
    return _is_below(path, (f"/proc/{os.getpid()}",)) and PurePath(path).name not in ("environ", "mem")


class Guard:
    """The audit hook of the address guard. It allows or refuses events, and records the refused addresses.

    The guard keeps this record even if a library hides the refusal.
    """

    def __init__(
        self, allowed_networks: Sequence[str], shut_paths: Sequence[str] = (), only: Sequence[str] | None = None
    ) -> None:
        """Set the limits. ``only`` lists the addresses of a proxy. If ``only`` is given, only these addresses are
        allowed, and ``is_allowed`` must also allow them."""
        self._only = only
        self._shut = tuple(os.path.realpath(path) for path in shut_paths)
        self._allowed = [ipaddress.ip_network(network, strict=False) for network in allowed_networks]
        self._asked = threading.local()
        self.refused: str | None = None
        """The first refused address with its host name, as the object of a sentence.

        None once a later connection succeeds, because the refusal is then not the reason of a failure.
        """
        self.refused_command: str | None = None
        """Name of the first refused program that had a URL among its arguments."""

    @property
    def has_proxy(self) -> bool:
        """Return whether this process can connect only to a proxy."""
        return self._only is not None

    def install(self) -> None:
        """Install the audit hook for the rest of this process's life."""
        sys.addaudithook(self.on_event)

    def on_event(self, event: str, args: tuple[Any, ...]) -> None:
        """Check one audit event. Raises ForbiddenError if the event is not allowed."""
        if event == "socket.getaddrinfo":
            self._asked.host, self._asked.is_reached = args[0], False
        elif event in _SENDING:
            self._check_address(args[1])
        elif event == "open":
            self._check_path(args[0])
        elif event == "socket.bind":
            raise ForbiddenError("nothing is served here")
        elif event in _SPAWNING:
            self._check_command(event, args)
        elif event in _NEVER:
            raise ForbiddenError(f"{event} is not allowed in this process")

    def _check_address(self, address: Any) -> None:
        if address is None:
            return  # sendmsg on a connected socket
        host = address[0] if isinstance(address, tuple) else str(address)
        if isinstance(host, str) and self._may_reach(host):
            self._asked.is_reached, self.refused = True, None
            return
        if not getattr(self._asked, "is_reached", False):
            self.refused = self.refused or self._named(host)
        raise ForbiddenError(f"{host} is not a public address")

    def _named(self, host: Any) -> str:
        asked = getattr(self._asked, "host", None)
        name = asked.decode("ascii", "replace") if isinstance(asked, bytes) else asked
        return f"{name} ({host})" if name and name != host else str(host)

    def forgive(self) -> None:
        """Delete the recorded refusals. Call this method if the refusals affected only an optional file."""
        self.refused = self.refused_command = None

    def _may_reach(self, host: str) -> bool:
        return is_allowed(host, self._allowed) and (self._only is None or host in self._only)

    def _check_path(self, path: Any) -> None:
        if not isinstance(path, str | bytes):
            return  # a descriptor of a file that is already open
        real = os.path.realpath(os.fsdecode(path))
        if _is_below(real, self._shut) or (_is_below(real, ("/proc",)) and not _is_own(real)):
            raise ForbiddenError(f"{real} is not allowed in this process")

    def _check_command(self, event: str, args: tuple[Any, ...]) -> None:
        executable = str(args[0])
        words = [args[1]] if isinstance(args[1], str) else args[1]
        argv = [executable, *(str(word) for word in list(words)[1:])]
        if is_harmless(argv):
            return
        if any("://" in word for word in argv):  # programs without a URL only inspect this machine: optional
            self.refused_command = self.refused_command or PurePath(executable).name
        raise ForbiddenError(f"{executable or event} may not be started here")


def is_harmless(argv: Sequence[str]) -> bool:
    """Return whether a program cannot use the network when it is started with these arguments.

    Only deno meets this condition: a script that deno runs has no network access unless an option allows it.
    """
    if not argv or PurePath(argv[0]).name != "deno":
        return False
    if list(argv[1:]) == ["--version"]:
        return True
    options = argv[2:-1]
    allowing = any(
        word.startswith(("-A", "-N", "-R", "--allow", "--unsafely", "--import", "--inspect")) for word in options
    )
    return argv[1] == "run" and argv[-1] == "-" and {"--no-prompt", "--no-remote"} <= set(options) and not allowing
