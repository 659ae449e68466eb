"""`signtalk clinic` and `signtalk doctor`: a signing page on this machine, for people who do not program."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from signtalk.cli.console import out_console, print_error, print_json
from signtalk.cli.options import FilmsOption, Json
from signtalk.cli.serve import add_told_page, until_ended
from signtalk.errors import checked

_Clinic = Annotated[
    Path,
    typer.Argument(metavar="FOLDER", help="What the clinic has: bundle, own sentences, key. Made where it is missing."),
]
_Port = Annotated[int, typer.Option(min=1, max=65535, help="Of the page on this machine.")]
Models = Annotated[Path | None, typer.Option(help="The landmarker's bundle for the page, or its folder.")]
_SIGNS = {"good": "ok  ", "mind": "mind", "bad": "BAD "}


def clinic(
    folder: _Clinic,
    port: _Port = 8000,
    models: Models = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="Answer with this bundle from now on, or with the `base` of this version; what was taught is carried."
        ),
    ] = None,
    without_missing: Annotated[
        bool,
        typer.Option("--without-missing", help="With --model: leave out what was taught without keeping its clips."),
    ] = False,
    films: FilmsOption = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="Further name of the page, as behind a proxy on this machine; repeat for several."),
    ] = None,
    open_page: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = True,
) -> None:
    """Open a clinic's signing page on this machine alone; Control-C ends it. Needs the extra `serve`.

    Example: signtalk clinic my-clinic
    """
    from signtalk.service.app import create_app
    from signtalk.service.clinic import ClinicFolder
    from signtalk.service.listening import check_address
    from signtalk.service.run import serve as run
    from signtalk.service.settings import ServiceSettings

    place = ClinicFolder(folder)
    check_address("127.0.0.1", port)
    if model is not None:
        carried = place.answer_with(model, without_missing)
        if carried is not None:
            print_error(f"{len(carried.sentences)} sentences of your own were carried")
    is_new = not place.bundle.exists()
    place.make_what_is_missing()
    hosts, key = ("localhost", "127.0.0.1", *(allow_host or ())), place.key()
    settings: ServiceSettings = checked(
        lambda: ServiceSettings(key=key, personal=place.taught, keep_clips=True, films=films, hosts=hosts)
    )
    with until_ended(place.bundle, settings) as served:
        app = create_app(served, settings)
        add_told_page(app, models)
        print_error(f"the page: http://localhost:{port}/  (Control-C ends it)")
        whats_there = "is new and knows no sentence yet" if is_new else "holds all that was taught"
        print_error(f"the folder {place.folder.absolute()} {whats_there}")
        print_error(f"the key for teaching lies in {place.key_file.name} there")
        fragment = f"#key={key.get_secret_value()}" if open_page else None
        run(app, "127.0.0.1", port, None, fragment)


def doctor(
    folder: _Clinic = Path("clinic"),
    port: _Port = 8000,
    models: Models = None,
    as_json: Json = False,
) -> None:
    """Look at what a signing page needs on this machine, and say what is wrong and what to do; 1 if anything is.

    Example: signtalk doctor my-clinic
    """
    from signtalk.service.clinic import ClinicFolder
    from signtalk.service.doctor import examine

    findings = []
    for finding in examine(ClinicFolder(folder), port, models):
        findings.append(finding)
        if as_json:
            continue
        remedy = f"; {finding.remedy}" if finding.remedy else ""
        line = f"{_SIGNS[finding.state]}  {finding.name}: {finding.told}{remedy}"
        out_console.print(line, markup=False, highlight=False, soft_wrap=True)
    if as_json:
        print_json([asdict(finding) for finding in findings])
    if any(finding.state == "bad" for finding in findings):
        raise typer.Exit(1)
