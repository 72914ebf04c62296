"""A proxy between the controller and the API server: it counts committed writes, kills, answers in the server's stead,
breaks connections and cuts watches."""

import asyncio
import contextlib
import os
import signal
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import aiohttp
from aiohttp import web

from support.controller.api_server import ApiServer
from support.waiting import LONGEST_SECONDS

WRITES = ("POST", "PUT", "PATCH", "DELETE")
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding"}


@dataclass(frozen=True)
class Write:
    """A write as it passes by."""

    method: str
    path: str
    number: int
    """Of this proxy's writes, from 1, whatever becomes of them."""

    @property
    def what(self) -> str:
        """Such as ``PUT videoimports/status`` or ``POST jobs``."""
        steps = self.path.strip("/").split("/")
        rest = steps[steps.index("namespaces") + 2 :] if "namespaces" in steps else steps[-1:]
        return f"{self.method} {'/'.join([rest[0], *rest[2:]])}"


class BrokenConnection(Exception):  # noqa: N818
    """Close it without an answer."""


class Fault(Protocol):
    """What goes wrong; both may raise BrokenConnection."""

    def before(self, write: Write) -> web.Response | None:
        """An answer in the server's stead, so that the write never happens."""

    def committed(self, write: Write) -> None:
        """The server has taken it; the answer has not been passed on."""

    def answered(self, write: Write) -> None:
        """The server has taken it, and the controller has the answer."""


class NoFault:
    """Everything passes."""

    def before(self, write: Write) -> web.Response | None:
        return None

    def committed(self, write: Write) -> None:
        return None

    def answered(self, write: Write) -> None:
        return None


@dataclass
class KillAfter(NoFault):
    """kill -9 right after the k-th committed write, before or after its answer arrived."""

    k: int
    answer_arrives: bool
    pid: int = 0
    committed_writes: int = 0
    happened: threading.Event = field(default_factory=threading.Event)
    last: str = ""

    def committed(self, write: Write) -> None:
        self.committed_writes += 1
        if self.committed_writes != self.k:  # what was under way at the kill may still be committed
            return
        self.last = write.what
        if not self.answer_arrives:
            self._kill()
            raise BrokenConnection

    def answered(self, write: Write) -> None:
        if self.committed_writes >= self.k and not self.happened.is_set():
            self._kill()

    def before(self, write: Write) -> web.Response | None:
        if self.happened.is_set():
            raise BrokenConnection
        return None

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self.happened.set()


@dataclass
class ApiServerProxy:
    """Listens on a port of its own, in a thread of its own."""

    api: ApiServer
    trouble: Fault = field(default_factory=NoFault)
    port: int = 0
    writes: list[Write] = field(default_factory=list)
    committed: list[Write] = field(default_factory=list)
    watches_cut: bool = False
    _streams: set[asyncio.Task[None]] = field(default_factory=set)
    _loop: asyncio.AbstractEventLoop | None = None
    _stop: asyncio.Event | None = None

    @contextlib.contextmanager
    def running(self) -> Iterator["ApiServerProxy"]:
        """While the block lasts."""
        up = threading.Event()
        thread = threading.Thread(target=lambda: asyncio.run(self._serve(up)), name="api-server-proxy")
        thread.start()
        try:
            assert up.wait(LONGEST_SECONDS), "the proxy did not start"
            yield self
        finally:
            assert self._loop is not None
            assert self._stop is not None
            self._loop.call_soon_threadsafe(self._stop.set)
            thread.join()

    def cut_watches(self) -> None:
        """End every watch and refuse new ones."""
        self.watches_cut = True
        assert self._loop is not None
        self._loop.call_soon_threadsafe(lambda: [stream.cancel() for stream in self._streams])

    async def _serve(self, up: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        context = ssl.create_default_context(cafile=str(self.api.ca))
        context.load_cert_chain(*map(str, self.api.certificate))
        connector = aiohttp.TCPConnector(ssl=context, limit=0)
        async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as self._upstream:
            server = web.Server(self._handle, access_log=None)
            runner = web.ServerRunner(server, shutdown_timeout=0.1)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", self.port)
            await site.start()
            self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
            up.set()
            await self._stop.wait()
            await runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.query.get("watch"):
            return await self._watch(request)
        if request.method not in WRITES:
            return await self._forward(request)
        write = Write(request.method, request.path, len(self.writes) + 1)
        self.writes.append(write)
        try:
            if answer := self.trouble.before(write):
                return answer
            answer = await self._forward(request)
            if answer.status < 300:
                self.committed.append(write)
                self.trouble.committed(write)
            await answer.prepare(request)
            await answer.write_eof()
            if answer.status < 300:
                self.trouble.answered(write)
        except BrokenConnection:
            _break(request)
            return web.Response()
        return answer

    async def _forward(self, request: web.BaseRequest) -> web.Response:
        async with self._upstream.request(**await self._as_sent(request)) as answer:
            headers = {key: value for key, value in answer.headers.items() if key.lower() not in _HOP_BY_HOP}
            return web.Response(status=answer.status, headers=headers, body=await answer.read())

    async def _watch(self, request: web.BaseRequest) -> web.StreamResponse:
        if self.watches_cut:
            _break(request)
            return web.Response()
        stream = web.StreamResponse(headers={"Content-Type": "application/json"})
        await stream.prepare(request)
        task = asyncio.create_task(self._pump(request, stream))
        self._streams.add(task)
        try:
            await task
        except (asyncio.CancelledError, ConnectionError, aiohttp.ClientError):
            _break(request)
        finally:
            task.cancel()
            self._streams.discard(task)
        return stream

    async def _pump(self, request: web.BaseRequest, stream: web.StreamResponse) -> None:
        timeout = aiohttp.ClientTimeout(total=None)
        async with self._upstream.request(**await self._as_sent(request), timeout=timeout) as answer:
            async for part in answer.content.iter_any():
                await stream.write(part)

    async def _as_sent(self, request: web.BaseRequest) -> dict[str, object]:
        unsent = {"host", "accept-encoding"}
        headers = {key: value for key, value in request.headers.items() if key.lower() not in unsent}
        headers["Accept-Encoding"] = "identity"
        return {
            "method": request.method,
            "url": self.api.server + request.path_qs,
            "headers": headers,
            "data": await request.read() or None,
            "skip_auto_headers": ["Content-Type"],
        }


def _break(request: web.BaseRequest) -> None:
    """A reset, as from a server that died: no answer, no farewell."""
    if request.transport is not None:
        request.transport.abort()
