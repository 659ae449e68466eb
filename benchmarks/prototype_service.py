"""The prototype's way of serving (docs/contract.md 2.29): the yardstick of `service.py`.

One lock, one clip at a time, references read and projected again for each.

    python benchmarks/prototype_service.py FOLDER PORT     FOLDER holds the references' (T, 540) features as .npy

Its clips come as the bytes of an .npy file, which is quicker than the JSON that it took.
"""

from __future__ import annotations

import io
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np

from prototype_search import PrototypeSearch


def serve(folder: Path, port: int) -> None:
    """Serve until killed."""
    search = PrototypeSearch.over(sorted(folder.glob("*.npy")))
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            features = np.load(io.BytesIO(self.rfile.read(int(self.headers["Content-Length"]))), allow_pickle=False)
            with lock:
                found = search.answer(features)
            self._say(json.dumps(found).encode())

        def do_GET(self) -> None:
            self._say(b"{}")

        def _say(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]))
