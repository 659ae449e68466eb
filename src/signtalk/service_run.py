"""Runs the application: one process, one event loop, and an orderly end."""

from __future__ import annotations

import socket
from typing import Any

import uvicorn
from fastapi import FastAPI

from signtalk.service import Service
from signtalk.wire import FRAME_BYTES

_MORE_CONNECTIONS = 512
"""Beside the streams: requests that run or wait."""
_LOG: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "loggers": {
        "uvicorn": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        "signtalk.service": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
    },
}


class _Server(uvicorn.Server):
    """Answers what was accepted before it closes the sockets, which uvicorn does at once."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()  # no new connections while the streams end
        await self._service.stop()
        await super().shutdown(sockets)


def serve(app: FastAPI, host: str, port: int, ssl_certfile: str | None = None, ssl_keyfile: str | None = None) -> None:
    """Serve until SIGINT or SIGTERM; returns when everything accepted is answered."""
    service: Service = app.state.service
    settings = service.settings
    config = uvicorn.Config(
        app, host=host, port=port, log_config=_LOG, access_log=False, server_header=False, date_header=False,
        ws_max_size=max(65536, settings.max_frames_a_message * FRAME_BYTES), ws_max_queue=16, ws="websockets-sansio",
        ws_per_message_deflate=False, limit_concurrency=settings.max_streams + _MORE_CONNECTIONS,
        timeout_graceful_shutdown=max(1, round(settings.stop_timeout_s)),
        ssl_certfile=ssl_certfile, ssl_keyfile=ssl_keyfile,
    )  # fmt: skip
    _Server(config, service).run()
