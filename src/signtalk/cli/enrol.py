"""`signtalk enroll`, `forget` and `list`: sentences that are usable at once, in a personal index or a run's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from signtalk.cli.console import open_model, out_console, print_error, print_json
from signtalk.cli.options import IndexOption, Json, ModelOptions, ReadingOptions, grouped

if TYPE_CHECKING:
    from signtalk.index.index import SentenceIndex
    from signtalk.index.personal import ListedSentence
    from signtalk.index.takes import Take
    from signtalk.recognition.enrolment import Enrolled

PersonalOption = Annotated[Path | None, typer.Option("--index", help="Personal index: a folder of its own.")]
BaseOption = Annotated[
    bool, typer.Option("--base", help="Change the run's own index instead; `signtalk index` makes that anew.")
]


@grouped
def enroll(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What the clips say.")],
    clips: Annotated[
        list[Path], typer.Argument(metavar="CLIP...", help="One to three videos or landmark files of any format.")
    ],
    which: ModelOptions,
    reading: ReadingOptions,
    index: PersonalOption = None,
    base: BaseOption = False,
    category: Annotated[str, typer.Option(help="Of the sentence.")] = "",
    signer: Annotated[str, typer.Option(help="Who signs.")] = "",
    language: Annotated[str, typer.Option(help="Of the text, as en, fr or tw.")] = "",
    consent: Annotated[
        Literal["recognize", "train"] | None,
        typer.Option(
            help="What the signer agreed to, and so keep the landmarks: recognize = teach them to later models "
            "(`signtalk carry`), train = train models with them, too. Default: they are not kept.",
            show_default=False,
        ),
    ] = None,
    strict: Annotated[bool, typer.Option(help="Enroll nothing where there would be a warning.")] = False,
    as_json: Json = False,
) -> None:
    """Enroll a sentence from one to three clips, usable in the next query; nothing is trained.

    Example: signtalk enroll "The pump beeps" a.mp4 b.mp4 --bundle sign_encoder_bundle.zip --index ward-3 \
        --signer s07 --consent recognize
    """
    folder = _place(which.run, index, base)
    with open_model(which, index=index, into_run=base) as model:
        enrolled = model.enroll(
            text, clips, signer=signer, category=category, language=language, consent=consent or "", strict=strict,
            fps=reading.fps, smoothing_alpha=reading.smoothing_alpha,
        )  # fmt: skip
    if as_json:
        print_json({**enrolled.to_dict(), "index": str(folder)})
    else:
        _print_enrolled(enrolled, folder)


def forget(
    texts: Annotated[list[str] | None, typer.Argument(metavar="[TEXT]...", help="Sentences to take out.")] = None,
    clip: Annotated[list[str] | None, typer.Option(help="A single clip, by its clip_id; repeat for several.")] = None,
    run: Annotated[Path | None, typer.Option(help="Run folder, whose own index --base changes.")] = None,
    index: PersonalOption = None,
    base: BaseOption = False,
    as_json: Json = False,
) -> None:
    """Take sentences or single clips out of a personal index, and what was kept of them.

    Example: signtalk forget "The pump beeps" --index ward-3
    """
    from signtalk.errors import ConfigError
    from signtalk.index.personal import forget as forget_entries

    if not texts and not clip:
        raise ConfigError("nothing to forget; give a sentence, or a clip with --clip")
    folder = _place(run, index, base)
    gone = forget_entries(folder, texts or (), clip or ())
    sentences = list(dict.fromkeys(entry.sentence for entry in gone))
    if as_json:
        print_json({"index": str(folder), "sentences": sentences, "clip_ids": [entry.clip_id for entry in gone]})
        return
    told = "; ".join(sentences)
    out_console.print(f"forgotten: {told} (clips: {len(gone)}) in {folder}", markup=False, soft_wrap=True)


@grouped
def list_command(
    which: ModelOptions,
    index: IndexOption = None,
    category: Annotated[list[str] | None, typer.Option(help="Only this category; repeat for several.")] = None,
    as_json: Json = False,
) -> None:
    """Show the sentences of a run or bundle, of a personal index, or of both: clips, signers, category and layer.

    Example: signtalk list --bundle sign_encoder_bundle.zip --index ward-3
    """
    from signtalk.index.personal import list_said, list_sentences
    from signtalk.index.said import read_said

    wanted = {name.casefold() for name in category or ()}
    said = () if index is None else list_said(read_said(index).values())
    sentences = [*list_sentences(*_layers(which, index)), *said]
    listed = [each for each in sentences if not wanted or each.category.casefold() in wanted]
    if as_json:
        print_json({"sentences": [each.to_dict() for each in listed]})
    else:
        _print_listed(listed)


def _place(run: Path | None, index: Path | None, base: bool) -> Path:
    """The index folder that is changed."""
    from signtalk.errors import ConfigError
    from signtalk.training.names import own_index

    if index is None and run is None and not base:
        raise ConfigError("give --index with a folder that keeps what is taught; a bundle is never changed")
    if (index is not None) == base:
        raise ConfigError("give either --index with a folder for the personal index, or --base")
    if index is None:
        if run is None:
            raise ConfigError("--base changes the index of a run; give --run (a bundle is never changed)")
        return own_index(run)
    if run is not None and index.resolve() == own_index(run).resolve():
        raise ConfigError(f"{index} is the run's own index; give another folder, or --base to change it")
    return index


def _layers(which: ModelOptions, index: Path | None) -> tuple[dict[str, SentenceIndex], dict[str, Take]]:
    """The layers by name, the personal one alone where neither run nor bundle is given; and what its takes tell."""
    from signtalk.errors import ConfigError
    from signtalk.index.personal import takes_of

    if which.run is None and which.bundle is None:
        if index is None:
            raise ConfigError("nothing to list; give --run or --bundle, --index, or both")
        return _own_layer(index), takes_of(index)
    with open_model(which) as model:
        base = model.recognizer.index
        if index is None:
            return {"base": base}, {}
        return {"base": base, **_own_layer(index, base.encoder_id)}, takes_of(index)


def _own_layer(index: Path, encoder_id: str | None = None) -> dict[str, SentenceIndex]:
    """A personal index; none where nothing but what was said lies there."""
    from signtalk.index.index import SentenceIndex
    from signtalk.index.personal import layer_exists
    from signtalk.index.said import read_said

    if not layer_exists(index) and read_said(index):
        return {}
    return {"personal": SentenceIndex.load(index, encoder_id)}


def _print_enrolled(enrolled: Enrolled, folder: Path) -> None:
    from rich.markup import escape
    from rich.table import Table

    told = f"enrolled: '{enrolled.sentence}', {len(enrolled.clip_ids)} clips, now {enrolled.num_references} in all"
    out_console.print(f"{told}; in {folder}", markup=False, highlight=False, soft_wrap=True)
    if enrolled.agreement is not None:
        out_console.print(f"likeness of its clips (lowest): {enrolled.agreement:.2f}", highlight=False)
    if enrolled.nearest:
        table = Table("sentence", "score", "similarity", "confidence", title="Nearest other sentences")
        for near in enrolled.nearest:
            sure = "-" if near.confidence is None else f"{near.confidence:.2f}"
            table.add_row(escape(near.sentence), f"{near.score:.2f}", f"{near.similarity:.2f}", sure)
        out_console.print(table)
    for warning in enrolled.warnings:
        print_error(f"warning: {warning}")


def _print_listed(listed: list[ListedSentence]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table("sentence", "clips", "kept", "signers", "category", "layer", title=f"Sentences: {len(listed)}")
    for each in listed:
        clips = str(each.num_clips) if each.num_clips else "only written"
        kept = str(len(each.kept_clip_ids) or "-")
        cells = (each.sentence, clips, kept, ", ".join(each.signers) or "-", each.category or "-", each.layer)
        table.add_row(*map(escape, cells))
    out_console.print(table)
