"""`signtalk pretrain` and `signtalk adapt`: a base encoder from signs without end, and one tuned on a few clips."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from signtalk.cli.console import INTERRUPTED, print_error, print_json, show
from signtalk.cli.options import Json


def pretrain(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to make.")],
    learn: Annotated[
        list[Path] | None, typer.Option(help="Data folder to learn from as well; may be repeated.")
    ] = None,
    ask: Annotated[
        list[Path] | None, typer.Option(help="Data folder on which the best epoch is chosen; may be repeated.")
    ] = None,
    name: Annotated[
        Literal["hands", "body"], typer.Option(help="hands, or body for trackers that find body joints alone.")
    ] = "hands",
    settings: Annotated[list[str] | None, typer.Option("--set", help="Change a setting: key=value.")] = None,
    resume: Annotated[bool, typer.Option(help="Go on with the pretraining in OUT.")] = False,
    stop_after: Annotated[
        int | None, typer.Option(min=1, help="Stop after so many epochs in all, to go on later.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Pretrain an encoder on made-up signs, so that it tells apart signs that nobody trained it on.

    Example: signtalk pretrain runs/base --learn ~/signs --set epochs=40
    """
    import signtalk

    try:
        result = signtalk.pretrain(
            out, learn=learn or (), ask=ask or (), name=name, settings=settings or (), resume=resume,
            stop_after=stop_after, progress=not as_json,
        )  # fmt: skip
    except KeyboardInterrupt:
        print_error(f"signtalk: stopped; go on with --resume (the pretraining is in {out})")
        raise typer.Exit(INTERRUPTED) from None
    values = {"best": str(result.best), "epochs": result.epochs, "best_epoch": result.best_epoch}
    show({**values, "one_shot_recall_at_1": result.best_score, "learned_clips": result.clips}, as_json)


def adapt(
    bundle: Annotated[str, typer.Argument(metavar="BUNDLE", help="base, or a bundle of `signtalk new`.")],
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Data folder of some dozens of clips.")],
    out: Annotated[Path, typer.Option(help="The bundle to make.")],
    steps: Annotated[int | None, typer.Option(min=1, help="Of the tuning; 15 by default.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of its chances.")] = None,
    as_json: Json = False,
) -> None:
    """Tune a bundle on some dozens of clips and teach it their sentences; refused where cross-validation shows no gain.

    Example: signtalk adapt clinic.zip ~/our-clips --out adapted.zip
    """
    import signtalk

    made = signtalk.adapt(bundle, data, out, steps=steps, seed=seed)
    before, after = made.adaptation.before, made.adaptation.after
    if as_json:
        print_json({"bundle": str(made.bundle), **made.adaptation.to_dict()})
        return
    show(
        {
            "bundle": str(made.bundle),
            "clips": made.num_clips,
            "sentences": made.num_sentences,
            "asked": f"{made.adaptation.num_questions} clips, held back by {made.adaptation.by}",
            "R@1": f"{before.recall_at_1:.3f} before, {after.recall_at_1:.3f} after",
            "answers": f"{before.answered} ({before.wrong} wrong) before, {after.answered} ({after.wrong} wrong) after",
        },
        as_json,
    )
