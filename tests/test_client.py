"""The Python client against a service in this process: the same answers, and refusals that say what to do."""

import http.server
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from made.certificates import made_certificate
from made.taught import signed
from signtalk.bundle.bundle import open_bundle
from signtalk.client import Client
from signtalk.errors import ClipError, ConfigError, ServiceError
from signtalk.landmarks.clip import save_clip
from signtalk.service.app import create_app
from signtalk.service.model import ServiceModel
from signtalk.service.run import served
from signtalk.service.settings import ServiceSettings

KEY = "a-key-of-more-than-16-letters"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service of the base in the package."""
    taught = tmp_path_factory.mktemp("client") / "taught"
    settings = ServiceSettings(key=KEY, personal=taught, keep_clips=True)
    with open_bundle("base") as bundle, served(create_app(ServiceModel(bundle, taught, True), settings)) as place:
        yield place


@contextmanager
def other_service(status: int, body: bytes, **headers: str) -> Iterator[str]:
    """Something that is not SignTalk and answers everything alike."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_conversation_from_teaching_to_forgetting(address: str, tmp_path: Path) -> None:
    save_clip(tmp_path / "a.npz", signed(1))
    with Client(address, key=KEY) as client:
        assert client.config()["can_keep_clips"]
        assert client.recognize(signed(2))["reason"] == "empty_index"
        told = {"category": "devices", "signer": "s07", "language": "en", "consent": "recognize"}
        taught = client.enroll("The pump beeps", str(tmp_path / "a.npz"), **told)
        client.enroll("Where does it hurt?", [signed(3), signed(4)])
        answer = client.recognize(tmp_path / "a.npz", candidates=1, sentence_id=taught["sentence_id"])
        assert [each["sentence"] for each in answer["candidates"]] == ["The pump beeps"]
        assert answer["asked"]["rank"] == 1
        (listed,) = client.sentences("pump", limit=1)["sentences"]
        assert (listed["category"], listed["language"], listed["num_kept"]) == ("devices", "en", 1)
        assert client.sentences(offset=1)["sentences"][0]["sentence"] == "Where does it hurt?"
        assert client.forget("the pump beeps")["sentence"] == "The pump beeps"
        assert client.sentences()["total"] == 1
        client.forget("Where does it hurt?")


def test_what_the_service_refuses_is_told_in_its_own_words(address: str) -> None:
    with Client(f"{address}/", key="another-key-of-16-letters") as client:
        assert repr(client) == f"<signtalk.client.Client of {address}>"
        with pytest.raises(ServiceError, match=f"{address}: ") as refused:
            client.enroll("The pump beeps", signed(1))
        assert (refused.value.status, refused.value.code) == (401, "key_needed")
        with pytest.raises(ServiceError, match="text encoder") as refused:
            client.search("pain", categories=["body"])
        with pytest.raises(ServiceError) as refused:
            client.sign("../../etc/passwd")
        assert (refused.value.status, refused.value.code) == (404, "not_found")


def test_a_clip_that_cannot_be_used_is_not_sent(tmp_path: Path) -> None:
    with Client("http://127.0.0.1:9") as nobody, pytest.raises(ClipError, match=r"none\.npz"):
        nobody.recognize(tmp_path / "none.npz")


def test_who_does_not_answer_and_who_is_no_service_is_told() -> None:
    with Client("http://127.0.0.1:9", timeout_s=5) as client:
        with pytest.raises(ServiceError, match=r"cannot be asked .*; is it running there") as refused:
            client.config()
        assert (refused.value.code, refused.value.status) == ("unreachable", 0)
    others = (b"<html>", b"[1]", b"[]", b"[" * 99_999)
    for status, body in (*((200, other) for other in others), (500, b"oops"), (404, b'{"error": 1}')):
        with other_service(status, body) as address, Client(address) as client:
            with pytest.raises(ServiceError, match="is it `signtalk serve`") as refused:
                client.config()
            assert refused.value.code == "no_service"


def test_nothing_is_sent_to_where_somebody_points() -> None:
    with (
        other_service(200, b"{}") as elsewhere,
        other_service(302, b"", Location=elsewhere) as address,
        Client(address, key=KEY) as client,
        pytest.raises(ServiceError, match="HTTP 302"),
    ):
        client.config()


@pytest.mark.parametrize("status", [200, 500])
def test_an_answer_that_is_cut_is_told(status: int) -> None:
    with other_service(status, b"{", **{"Content-Length": "99"}) as address, Client(address) as client:
        with pytest.raises(ServiceError) as refused:
            client.config()
        assert refused.value.code == {200: "unreachable", 500: "no_service"}[status]


def test_a_key_is_taken_as_its_file_has_it(address: str) -> None:
    with Client(address, key=f"{KEY}\n") as client, pytest.raises(ServiceError) as refused:
        client.forget("what nobody taught")
    assert "no enrolled sentence" in str(refused.value)
    for key in ("длинный-ключ-палаты", "two\nlines of a key"):
        with pytest.raises(ConfigError, match="characters that HTTP cannot send"):
            Client(address, key=key)


@pytest.mark.parametrize(
    "address",
    ["localhost:8000", "ftp://ward", "https://", "", "http://[::1", "http://ward:x", "http://a b", "http://ward/ü",
     f"http://{'a' * 70}.de"],
)  # fmt: skip
def test_an_address_needs_scheme_and_host(address: str) -> None:
    with pytest.raises(ConfigError, match="expected scheme and host, as http://localhost:8000"):
        Client(address)


def test_a_certificate_of_the_clinics_own_is_trusted_when_it_is_given(tmp_path: Path) -> None:
    certificate, key = made_certificate(tmp_path, "ward")
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    address = f"https://localhost:{server.server_port}"
    try:
        with Client(address) as client, pytest.raises(ServiceError, match="certificate of its authority"):
            client.config()
        # It is trusted now, and is of another name: the client looks at both.
        with (
            Client(address, certificate=certificate) as client,
            pytest.raises(ServiceError, match=r"[Hh]ostname mismatch"),
        ):
            client.config()
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    with pytest.raises(ConfigError, match="no certificate in PEM form"):
        Client(address, certificate=key)
