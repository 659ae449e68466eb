"""A client of `signtalk serve`: clips of any format in, the answers of docs/protocol.md out.

    from signtalk.client import Client

    with Client("http://localhost:8000", key="...") as client:
        print(client.recognize("clip.mp4")["outcome"])

It needs no model and no torch: the service answers. Nothing but landmarks is sent.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from signtalk._clips import ClipLike, ListedClips, PathLike, names_of
from signtalk.errors import ConfigError, ServiceError, one_line
from signtalk.extraction.reader import ClipReader
from signtalk.landmarks.clip import LandmarkClip
from signtalk.landmarks.plausible import checked_clip
from signtalk.landmarks.wire import CLIP_MEDIA_TYPE, decode_clip, encode_clip

__all__ = ["Client"]

_JSON = "application/json"
_OWN_NAMES = ("localhost", "127.0.0.1", "::1")
_MOST_ANSWER_BYTES = 256 * 1024**2
_TRUST_HINT = "give the certificate of its authority as `certificate`"


class Client:
    """Asks one service; a context manager, used by one thread at a time.

    Args:
        address: scheme, host and port, such as "http://localhost:8000"; behind a proxy with the service's path.
        key: the service's SIGNTALK_KEY, needed for what changes its index.
        certificate: PEM file of the authority that signed the service's certificate; None = what the system trusts.
        timeout_s: until an answer must be there.

    Raises:
        ConfigError: the address or the key is none, or the certificate cannot be read.
    """

    def __init__(
        self, address: str, *, key: str = "", certificate: PathLike | None = None, timeout_s: float = 60
    ) -> None:
        if not _is_address(address):
            raise ConfigError(f"address '{one_line(address)}'; expected scheme and host, as http://localhost:8000")
        self.address, self._key, self._timeout_s = address.rstrip("/"), key.strip(), timeout_s
        if any(not " " <= letter <= "\xff" for letter in self._key):
            raise ConfigError("a key of characters that HTTP cannot send; give it as the service has it")
        handlers: list[urllib.request.BaseHandler] = []
        if certificate is not None:
            handlers.append(urllib.request.HTTPSHandler(context=_trusting(certificate)))
        if urllib.parse.urlsplit(address).hostname in _OWN_NAMES:  # what this machine asks itself passes no proxy
            handlers.append(urllib.request.ProxyHandler({}))
        self._opener = urllib.request.build_opener(_NoRedirects, *handlers)
        self._reader = ClipReader()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process that extracts videos, if there is one."""
        self._reader.close()

    def __repr__(self) -> str:
        return f"<signtalk.client.Client of {self.address}>"

    def config(self) -> dict[str, Any]:
        """Encoder, limits, policy and promises of the service, and what may be changed."""
        return self._asked("/v1/config")

    def recognize(self, clip: ClipLike, *, candidates: int = 5, sentence_id: str = "") -> dict[str, Any]:
        """The sentence that was signed, candidates to choose from, or "not sure" with the reason.

        Args:
            clip: a path of any format that SignTalk reads, or a `signtalk.Clip`.
            candidates: how many sentences the answer lists.
            sentence_id: a sentence of which the answer tells how near it was; "" = none.

        Returns:
            An answer of docs/protocol.md. Only its `text` may be shown as what the person said.

        Raises:
            ClipError: the clip cannot be used.
            ServiceError: the service refuses, or cannot be reached.
        """
        query = {"candidates": candidates, **({"sentence_id": sentence_id} if sentence_id else {})}
        return self._asked("/v1/recognize", query, encode_clip(self._clip(clip)), CLIP_MEDIA_TYPE)

    def sentences(self, query: str = "", *, limit: int = 100, offset: int = 0) -> dict[str, Any]:
        """Sentences that the service knows.

        Args:
            query: words that they hold; "" = all.
            limit: how many at most.
            offset: how many are left out before them.
        """
        return self._asked("/v1/sentences", {"query": query, "limit": limit, "offset": offset})

    def sign(self, sentence_id: str) -> LandmarkClip:
        """How a sentence is signed, to draw or to play.

        Raises:
            ServiceError: there is no sign of it (code "not_found"), or as always.
        """
        path = f"/v1/sentences/{urllib.parse.quote(sentence_id, safe='')}/sign"
        return decode_clip(self._bytes(path), f"the sign of '{one_line(sentence_id)}'")

    def search(self, text: str, *, limit: int = 10, categories: str | Sequence[str] = ()) -> dict[str, Any]:
        """The clips of that meaning, nearest first.

        Args:
            text: what is looked for, in any words.
            limit: how many at most.
            categories: of these alone; none = of all.
        """
        return self._sent("/v1/search", {"text": text, "limit": limit, "categories": names_of(categories)})

    def enroll(
        self,
        text: str,
        clips: ClipLike | Sequence[ClipLike],
        *,
        category: str = "",
        signer: str = "",
        language: str = "",
        consent: str = "",
    ) -> dict[str, Any]:
        """Teach a sentence; needs the key.

        Args:
            text: what the clips say.
            clips: one to three.
            category: of the sentence.
            signer: who signs; "" = not told.
            language: of the text, such as "fr"; "" = not told.
            consent: "recognize" or "train" lets a service keep the landmarks for that; "" = they are not kept.

        Raises:
            ClipError: a clip cannot be used; nothing is taught then.
            ServiceError: the service refuses, or cannot be reached.
        """
        encoded = [
            base64.b64encode(encode_clip(self._clip(clip))).decode("ascii") for clip in ListedClips.of(clips).clips
        ]
        told = {"category": category, "signer_id": signer, "language": language, "consent": consent}
        return self._sent("/v1/enroll", {"text": text, "clips": encoded, **{k: v for k, v in told.items() if v}})

    def forget(self, text: str) -> dict[str, Any]:
        """Take a taught sentence out, with the clips that were kept of it; needs the key."""
        return self._sent("/v1/forget", {"text": text})

    def _clip(self, clip: ClipLike) -> LandmarkClip:
        landmarks = clip if isinstance(clip, LandmarkClip) else self._reader.read(Path(clip))
        return checked_clip(landmarks, "clip" if isinstance(clip, LandmarkClip) else str(clip))

    def _sent(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._asked(path, body=json.dumps(body).encode("utf-8"))

    def _asked(
        self, path: str, query: dict[str, Any] | None = None, body: bytes | None = None, kind: str = _JSON
    ) -> dict[str, Any]:
        answer = self._bytes(path + (f"?{urllib.parse.urlencode(query)}" if query else ""), body, kind)
        try:
            content = json.loads(answer)
        except (ValueError, RecursionError):
            content = None
        if not isinstance(content, dict):
            raise ServiceError(f"{self.address}: answers no JSON object; is it `signtalk serve`?", "no_service")
        return content

    def _bytes(self, path: str, body: bytes | None = None, kind: str = _JSON) -> bytes:
        headers = {"Content-Type": kind} if body is not None else {}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        request = urllib.request.Request(self.address + path, body, headers)
        try:
            with self._opener.open(request, timeout=self._timeout_s) as response:
                answer = bytes(response.read(_MOST_ANSWER_BYTES + 1))
                if response.length:  # what was announced did not come; a bounded read does not say so
                    raise http.client.IncompleteRead(answer, response.length)
        except urllib.error.HTTPError as refusal:
            raise _refusal(self.address, refusal) from refusal
        except (OSError, http.client.HTTPException) as error:  # an URLError is an OSError, too
            reason = getattr(error, "reason", error)
            hint = _TRUST_HINT if isinstance(reason, ssl.SSLCertVerificationError) else "is it running there?"
            raise ServiceError(
                f"{self.address}: cannot be asked ({one_line(reason)}); {hint}", "unreachable"
            ) from error
        if len(answer) > _MOST_ANSWER_BYTES:
            raise ServiceError(f"{self.address}: an answer of more than {_MOST_ANSWER_BYTES} bytes", "no_service")
        return answer


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """The service sends nobody elsewhere; who does would be sent the key and a patient's landmarks."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _is_address(address: str) -> bool:
    try:
        parts = urllib.parse.urlsplit(address)
        reached = bool((parts.hostname or "").encode("idna")) and parts.port != 0
    except ValueError:  # such as a port that is no number, or a name that is too long
        return False
    is_plain = parts.path.isascii() and not any(letter <= " " for letter in address)
    return reached and is_plain and parts.scheme in ("http", "https")


def _trusting(certificate: PathLike) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=certificate)
    except OSError as error:  # an SSLError is one, too
        raise ConfigError(f"{certificate}: no certificate in PEM form ({error.strerror or error})") from error


def _refusal(address: str, refusal: urllib.error.HTTPError) -> ServiceError:
    try:
        told = json.load(refusal)["error"]
        code, message = str(told["code"]), one_line(told["message"], 500)
    except (KeyError, TypeError, ValueError, RecursionError, OSError, http.client.HTTPException):
        code, message = "no_service", f"HTTP {refusal.code}; is it `signtalk serve`?"
    return ServiceError(f"{address}: {message}", code, refusal.code)
