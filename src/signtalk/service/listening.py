"""What must hold before a service can listen: a certificate that can be used, and an address that is free.

Both are asked before the model is loaded, so that a mistyped name costs a line and no minute.
"""

from __future__ import annotations

import errno
import socket
import ssl
from pathlib import Path

from signtalk.errors import ConfigError

_WHY = {
    errno.EADDRINUSE: "another program listens there; end it, or choose another --port",
    errno.EACCES: "this user may not listen there; choose a --port above 1023",
    errno.EADDRNOTAVAIL: "no address of this machine; give one of its own by --host, or 0.0.0.0 for all of them",
}


def check_certificate(certificate: Path | None, key: Path | None) -> None:
    """Make sure that a certificate and its key can be used.

    Raises:
        ConfigError: a file is missing, is no certificate or no key, or the two do not belong together.
    """
    if certificate is None:
        if key is not None:
            raise ConfigError(f"--ssl-keyfile {key} without a certificate; give --ssl-certfile as well")
        return
    for path in (certificate, key):
        if path is not None and not path.is_file():
            raise ConfigError(f"{path}: no such file; expected a certificate or key in PEM form")
    where = f"{certificate}" if key is None else f"{certificate} with {key}"
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=_refuse_to_ask)
    except ssl.SSLError as error:
        reason = (error.reason or str(error)).replace("_", " ").lower()
        raise ConfigError(
            f"{where}: not a certificate with its key ({reason}); give both in PEM form, the key without a password"
        ) from error
    except OSError as error:
        raise ConfigError(f"{where}: cannot be read ({error.strerror or error})") from error


def _refuse_to_ask() -> str:
    """A service that starts by itself has nobody to type a password."""
    return ""


def check_address(host: str, port: int) -> None:
    """Make sure that a service can listen at an address.

    Args:
        host: name or address.
        port: 0 = any free one.

    Raises:
        ConfigError: there is no such address here, another program listens at it, or this user may not.
    """
    try:
        family, kind, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except (OSError, UnicodeError) as error:
        raise ConfigError(f"--host {host}: no such name or address ({error}); give one of this machine") from error
    with socket.socket(family, kind) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as asyncio does: a port just left is free
        try:
            listening.bind(place)
            listening.listen()
        except OSError as error:
            why = _WHY.get(error.errno or 0, error.strerror or str(error))
            raise ConfigError(f"cannot listen at {host} port {port}: {why}") from error
