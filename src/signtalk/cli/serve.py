"""`signtalk serve`: a bundle as a service, with the live page."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from signtalk.cli.console import print_error
from signtalk.cli.options import CalibrationOption, FilmsOption, OnlyOwnOption, PolicyOption, VariantOption
from signtalk.errors import checked

if TYPE_CHECKING:
    from fastapi import FastAPI

    from signtalk.service.model import ServiceModel
    from signtalk.service.settings import ServiceSettings

_OWN_NAMES = ("localhost", "127.0.0.1", "::1")


def serve(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="Exported bundle: a zip, or a folder.")],
    index: Annotated[Path | None, typer.Option(help="Folder of the personal index that pages enroll into.")] = None,
    keep_clips: Annotated[
        bool, typer.Option("--keep-clips", help="Keep the landmarks of what is enrolled with the signer's consent.")
    ] = False,
    films: FilmsOption = None,
    only_own: OnlyOwnOption = False,
    calibration: CalibrationOption = None,
    host: Annotated[str, typer.Option(help="Address to listen at; 0.0.0.0 = all of this machine's.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 = any free one.")] = 8000,
    variant: VariantOption = "fp32",
    policy: PolicyOption = None,
    page: Annotated[bool, typer.Option(help="Serve the live page at /.")] = True,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in this machine's browser.")] = False,
    models: Annotated[Path | None, typer.Option(help="The landmarker's bundle for the page, or its folder.")] = None,
    origin: Annotated[list[str] | None, typer.Option(help="Host whose pages may ask; repeat for several.")] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            help="Further name under which it may be asked, as behind a proxy; repeat. Default at a local "
            "--host: this machine's own names alone, elsewhere any."
        ),
    ] = None,
    max_streams: Annotated[int, typer.Option(min=1, help="Sockets at a time.")] = 256,
    max_streams_a_client: Annotated[
        int | None,
        typer.Option(min=1, help="Of these from one address; behind a proxy all come from its. Default: all."),
    ] = None,
    signer_sentences: Annotated[
        int, typer.Option(min=0, help="A talk's last confirmed sentences, which teach it its person; 0 = none do.")
    ] = 30,
    log_content: Annotated[bool, typer.Option(help="Write recognised sentences into the log.")] = False,
    ssl_certfile: Annotated[Path | None, typer.Option(help="Certificate; cameras need https.")] = None,
    ssl_keyfile: Annotated[Path | None, typer.Option(help="Its private key.")] = None,
) -> None:
    """Serve a bundle: HTTP, sockets for live signing, and the live page. Needs the extra `serve`, no torch.

    Who enrolls sends the key that the environment variable SIGNTALK_KEY holds; without one, nothing can be changed.

    Example: SIGNTALK_KEY=$(openssl rand -hex 24) signtalk serve sign_encoder_bundle.zip --index ward-3
    """
    from signtalk.service.app import create_app
    from signtalk.service.listening import check_address, check_certificate
    from signtalk.service.run import serve as run
    from signtalk.service.settings import ServiceSettings, key_from

    hosts = (*_OWN_NAMES, *(allow_host or ())) if allow_host or host in _OWN_NAMES else ()
    settings: ServiceSettings = checked(
        lambda: ServiceSettings(
            key=key_from(), personal=index, origins=tuple(origin or ()), hosts=hosts, max_streams=max_streams,
            max_streams_a_client=max_streams_a_client or max_streams, log_content=log_content, keep_clips=keep_clips,
            films=films, max_signer_sentences=signer_sentences,
        )
    )  # fmt: skip
    check_certificate(ssl_certfile, ssl_keyfile)
    check_address(host, port)
    with until_ended(bundle, settings, Deciding(variant, policy, calibration, only_own)) as model:
        _tell_what_teaching_lacks(settings, bool(len(model.recognizer.index)))
        app = create_app(model, settings)
        if page:
            add_told_page(app, models)
        tls = None if ssl_certfile is None else (str(ssl_certfile), None if ssl_keyfile is None else str(ssl_keyfile))
        run(app, host, port, tls, "" if open_page and page else None)


def add_told_page(app: FastAPI, models: Path | None) -> None:
    """Serve the page, and say what it lacks.

    Args:
        app: the application.
        models: the landmarker's bundle, or its folder.
    """
    from signtalk.service.page import add_page

    lacks = add_page(app, models)
    if lacks:
        print_error(f"the page will not find hands: {lacks}")


@dataclass(frozen=True)
class Deciding:
    """How a bundle answers.

    Attributes:
        variant: of its encoder.
        policy: what is shown; None = as exported.
        calibration: a file of `signtalk calibrate`; None = as exported.
        only_own: whether the bundle's own sentences stay out.
    """

    variant: str = "fp32"
    policy: Literal["strict", "research"] | None = None
    calibration: Path | None = None
    only_own: bool = False


@contextmanager
def until_ended(bundle: Path, settings: ServiceSettings, deciding: Deciding = Deciding()) -> Iterator[ServiceModel]:
    """What answers, warm, until SIGTERM or the end of the block.

    Args:
        bundle: zip or folder.
        settings: where what is taught lies, and whether clips are kept.
        deciding: how it answers.
    """
    from signtalk.bundle.bundle import open_bundle, told_of
    from signtalk.service.films import SignFilms
    from signtalk.service.model import ServiceModel

    films = None if settings.films is None else SignFilms(settings.films)
    with _ended_in_order(), open_bundle(bundle, deciding.variant) as opened:
        opened = opened.decided_by(deciding.calibration).under(deciding.policy)
        answering = opened.without_sentences() if deciding.only_own else opened
        model = ServiceModel(answering, settings.personal, settings.keep_clips, films)
        with told_of(bundle, opened.folder):
            model.warm_up()
        yield model


def _tell_what_teaching_lacks(settings: ServiceSettings, knows_some: bool) -> None:
    """Nothing where sentences can be taught, or where nobody asks for that: some are known, and no index is given."""
    from signtalk.service.settings import KEY_VARIABLE

    if settings.may_enroll or (knows_some and settings.personal is None):
        return
    lacks = {f"a key of your own in {KEY_VARIABLE}": settings.key, "a folder for --index": settings.personal}
    wanted = " and ".join(name for name, value in lacks.items() if value is None)
    beginning = "no sentence" if knows_some else "no sentence is known here, and none"
    print_error(f"{beginning} can be taught on the page without {wanted}")


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """Leave the block at SIGTERM, too, which uvicorn raises again at its end: the unpacked bundle would stay behind."""

    def end(number: int, frame: Any) -> None:  # noqa: ARG001  # as Python calls it
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
