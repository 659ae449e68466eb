"""Runs the application: one process, one event loop, and an orderly end."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import sys
import threading
import time
import urllib.request
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from signtalk.bundle.bundle import open_bundle
from signtalk.errors import ArtifactError
from signtalk.landmarks.clip import LandmarkClip
from signtalk.landmarks.wire import CLIP_MEDIA_TYPE, FRAME_BYTES, encode_clip
from signtalk.service.app import Service, create_app
from signtalk.service.model import ServiceModel

_MORE_CONNECTIONS = 2048
"""Beside the streams: requests that run or wait, and connections that have not said yet what they want."""
_HEAD_TIMEOUT_S = 10.0
_MAX_HEAD_BYTES = 64 * 1024
_FILES = 65536


class _NoClients(logging.Filter):
    """Lets pass what uvicorn tells of the process; what it tells of sockets holds addresses and queries."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno > logging.INFO or record.module in ("server", "on")


_LOG: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(message)s"}},
    "filters": {"no clients": {"()": _NoClients}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "loggers": {
        "uvicorn": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        "uvicorn.error": {"filters": ["no clients"]},
        "signtalk.service": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
    },
}


class _Protocol(HttpToolsProtocol):
    """Gives up connections that do not say in time, and shortly, what they want."""

    _late: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_there()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._await_head()

    def on_headers_complete(self) -> None:
        self._head_is_there()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        self._head_bytes += len(data)
        super().data_received(data)
        if self._late is not None and self._head_bytes > _MAX_HEAD_BYTES:
            self._give_up()

    def _await_head(self) -> None:
        self._head_is_there()
        self._head_bytes = 0
        self._late = self.loop.call_later(_HEAD_TIMEOUT_S, self._give_up)

    def _head_is_there(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _give_up(self) -> None:
        self._head_is_there()
        if not self.transport.is_closing():
            self.transport.close()


class _Server(uvicorn.Server):
    """Answers what was accepted before it closes the sockets, which uvicorn does at once."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service
        self.opens: str | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.opens is not None and self.started:
            port = self.servers[0].sockets[0].getsockname()[1]
            page = f"{'https' if self.config.is_ssl else 'http'}://localhost:{port}/{self.opens}"
            # Aside: some browsers are waited for until they are closed, and they ask this very process.
            threading.Thread(target=webbrowser.open, args=(page,), daemon=True).start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()  # no new connections while the streams end
        await self._service.stop()
        await super().shutdown(sockets)


def serve(
    app: FastAPI, host: str, port: int, tls: tuple[str, str | None] | None = None, opens: str | None = None
) -> None:
    """Serve until SIGINT or SIGTERM; returns when everything accepted is answered.

    Args:
        app: the application.
        host: address to listen at.
        port: 0 = any free one.
        tls: files of the certificate and of its key, None where the first holds both; None = plain HTTP.
        opens: what follows the address of the page that is opened in this machine's browser; None = none is.
    """
    certificate, key = tls or (None, None)
    server = _server(app, host=host, port=port, log_config=_LOG, ssl_certfile=certificate, ssl_keyfile=key)
    server.opens = opens
    _allow_connections()
    server.run()


def _allow_connections() -> None:
    """Each socket is a file, and shells allow a thousand of them; Windows knows no such limit."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """Serve on a free port of this machine beside the caller, without a log; its address, as http://..."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = _server(app, log_config=None)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        try:
            while not server.started:
                if not thread.is_alive():
                    raise ArtifactError("the service did not start; `signtalk serve` tells why")
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def ask_bundle(bundle: Path, clip: LandmarkClip) -> dict[str, Any]:
    """Serve a bundle for one request: the answer to a clip, as any client gets it."""
    with open_bundle(bundle) as opened, served(create_app(ServiceModel(opened))) as address:
        headers = {"Content-Type": CLIP_MEDIA_TYPE}
        request = urllib.request.Request(f"{address}/v1/recognize", encode_clip(clip), headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return dict(json.load(answer))


def _server(app: FastAPI, **options: Any) -> _Server:
    service: Service = app.state.service
    settings = service.settings
    config = uvicorn.Config(
        app, http=_Protocol, access_log=False, server_header=False, date_header=False, ws="websockets-sansio",
        ws_max_size=max(65536, settings.max_frames_a_message * FRAME_BYTES), ws_max_queue=16,
        ws_per_message_deflate=False, limit_concurrency=settings.max_streams + _MORE_CONNECTIONS,
        timeout_graceful_shutdown=max(1, round(settings.stop_timeout_s)), **options,
    )  # fmt: skip
    return _Server(config, service)
