"""The page that a person reads before they use a bundle: what it is for, what it can and cannot do, in figures.

BundleManifest + DecisionConfig + SentenceIndex -> model_card -> README.md, with the head that model hubs read
"""

from __future__ import annotations

import json
import re
from typing import Any

from signtalk.bundle.bundle import FULL_PRECISION, LEAST_MEASURED, BundleManifest
from signtalk.evaluation.tables import markdown_table
from signtalk.index.index import SentenceIndex
from signtalk.recognition.recognizer import DecisionConfig

_HUB_LICENCES = (
    "apache-2.0", "mit", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0", "bsd-3-clause",
    "gpl-3.0", "lgpl-3.0", "agpl-3.0", "openrail",
)  # fmt: skip
"""Identifiers that hubs know; another licence is told to them as "other" with its name."""
NOT_STATED = "not stated"


def model_card(manifest: BundleManifest, decision: DecisionConfig, index: SentenceIndex, signs: int) -> str:
    """The card as Markdown with a YAML head.

    Args:
        manifest: of the bundle.
        decision: its gate.
        index: its references.
        signs: sentences whose signing can be shown.
    """
    pretrained = manifest.origin.get("pretrain")
    parts = [
        _head(manifest),
        "# SignTalk sign encoder",
        _known(index) if index.sentences else _BARE,
        _USE.format(**(_LISTED if index.sentences else _TAUGHT)),
        *([f"## How it was made\n\n{_pretraining(pretrained, manifest)}"] if pretrained else []),
        f"## Figures\n\n{_figures(manifest)}",
        *([f"## Limits\n\n{_listed(limits)}"] if (limits := manifest.figures.get("limits")) else []),
        f"## What the gate promises\n\n{_promises(decision, bool(index.sentences))}",
        f"## Encoders\n\n{_variants(manifest)}",
        f"## Privacy\n\n{_privacy(signs) if index.sentences else _NOBODY}",
        f"## Origin\n\n{_origin(manifest)}",
    ]
    return "\n\n".join(parts) + "\n"


def _known(index: SentenceIndex) -> str:
    signers = {entry.signer_id for entry in index.entries if entry.signer_id}
    return (
        f'Recognises {len(index.sentences)} signed sentences from landmarks (MediaPipe Holistic), and says "not sure" '
        f"otherwise. References: {int((~index.written).sum())} clips by {len(signers) or 'unknown'} signers, "
        f"{int(index.written.sum())} sentences only written."
    )


_BARE = """Recognises sentences that you teach it with one to three clips each, from landmarks (MediaPipe Holistic), and
says "not sure" otherwise. It knows none yet, and nothing is trained when you teach it."""

_USE = """## What it is for

Research, and aid in understanding {sentences}, where a person checks the answer. It reads landmarks, not pictures.

It is **not** for decisions about a person's health, rights or identity without a human interpreter, not for {others},
free conversation or other sign languages, and not for recognising who signs. Signers, cameras and lighting unlike
those of its training make it answer less often, and can make it wrong more often than stated here.

```
# with SignTalk installed; no torch is needed
signtalk bundle verify DIR                 # this folder, or its zip
{commands}
```"""
_LISTED = {
    "sentences": "the short sentences listed in `index/embeddings_map.csv`",
    "others": "sentences outside the list",
    "commands": "signtalk recognize clip.npz --bundle DIR",
}
_TAUGHT = {
    "sentences": "the short sentences that you teach it",
    "others": "other sentences",
    "commands": "signtalk enroll TEXT a.npz --bundle DIR --index FOLDER\n"
    "signtalk recognize b.npz --bundle DIR --index FOLDER",
}
_NOBODY = "The bundle holds no video, no picture and no person's clip or name. Its golden clips are made up."


def _head(manifest: BundleManifest) -> str:
    lines = ["---", *_licence_lines(manifest.licence), "library_name: signtalk", "tags:"]
    lines += [f"- {tag}" for tag in ("sign-language", "sign-language-recognition", "landmarks", "mediapipe", "onnx")]
    measured = manifest.figures.get("retrieval") or []
    if measured:
        lines += ["metrics:", "- accuracy", "model-index:", "- name: signtalk-sign-encoder", "  results:"]
    for protocol in measured:
        lines += [
            "  - task:",
            "      type: video-classification",
            "      name: sentence retrieval",
            "    dataset:",
            f"      name: {json.dumps('own clips: ' + str(protocol['name']))}",
            "      type: own-clips",
            "    metrics:",
            "    - type: accuracy",
            "      name: R@1",
            f"      value: {round(float(protocol['recall_at_1']['estimate']), 4)}",
        ]
    return "\n".join([*lines, "---"])


def _licence_lines(licence: str) -> list[str]:
    if not licence:
        return ["license: unknown"]
    if licence.casefold() in _HUB_LICENCES:
        return [f"license: {licence.casefold()}"]
    slug = re.sub(r"[^a-z0-9.]+", "-", licence.casefold()).strip("-") or "own"
    return ["license: other", f"license_name: {json.dumps(slug)}"]


def _figures(manifest: BundleManifest) -> str:
    figures = manifest.figures
    if not figures:
        return "None were given when this bundle was exported. Do not rely on it before you have measured it."
    note = (
        "Measured on the model's own split: a query never meets itself, and the protocol says whether training knew "
        "its signer and its sentence. The ranges are 95% intervals."
    )
    retrieval, gates = figures.get("retrieval") or [], (figures.get("open_set") or {}).get("gates") or []
    texts = [{**text, **text["measures"]} for text in figures.get("texts") or []]
    tables = [
        _table({"name": "protocol", "num_queries": "queries", "num_sentences": "sentences"}, _RECALLS, retrieval),
        _table({"name": "gate"}, _GATES, gates),
        _table({"name": "translation", "num_clips": "clips"}, {"wer": "WER", "exact_match": "exact"}, texts),
    ]
    if not any(tables):
        return _unseen_figures(figures)
    return "\n\n".join([note, *filter(None, tables)])


def _unseen_figures(figures: dict[str, Any]) -> str:
    """Of a base: how it does with signs that it never saw."""
    parts = []
    if rows := figures.get("one_shot"):
        table = [
            [row["data"], row["k"], *(f"{row[key]:.3f}" for key in ("recall_at_1", "low", "high"))] for row in rows
        ]
        parts.append(
            "One person teaches a sign with k clips, all others are asked: R@1 with its 95% interval over people.\n\n"
            + markdown_table(("set", "k", "R@1", "from", "to"), [list(map(str, row)) for row in table])
        )
    if rows := figures.get("left_out"):
        shares = ("untaught_answered", "recall_at_1")
        table = [
            [
                row["name"], _share(row["answered"]), _share(row["precision"]), str(row["num_answered"]),
                *(_share(row[key]) for key in shares),
            ]
            for row in rows
        ]  # fmt: skip
        columns = ("set", "taught: answered", "answers right", "answers", "not taught: answered", "R@1")
        parts.append(
            "Whether it answers at all, by a gate that was fitted without the set:\n\n" + markdown_table(columns, table)
        )
    return "\n\n".join(parts)


def _share(value: float | None) -> str:
    """A share of questions; "-" where there were none."""
    return "-" if value is None else f"{value:.3f}"


def _pretraining(pretrained: dict[str, Any], manifest: BundleManifest) -> str:
    """What a base learned from, as its checkpoint tells, whose that is, and what it was tuned on."""
    config, adapted = pretrained["config"], manifest.origin.get("adapted")
    sources = manifest.figures.get("sources")
    learned, asked = (_folders(pretrained[role]) for role in ("learned", "asked"))
    return (
        f"`signtalk pretrain`, seed {config['seed']}, {config['epochs']} times {config['steps_per_epoch']} steps: "
        f"made-up signs by made-up people without end, {config['groups']} signs by {config['people']} people a step. "
        f"Recorded clips learned from: {learned}. The best epoch was chosen on made-up signs of other people, and on "
        f"recorded clips: {asked}."
        + (f"\n\nWhere recorded clips come from:\n\n{_listed(sources)}" if sources else "")
        + (f"\n\n{_adapted(adapted)}" if adapted else "")
    )


def _listed(lines: list[str]) -> str:
    return "\n".join(f"* {line}" for line in lines)


def _adapted(adapted: dict[str, Any]) -> str:
    shown = adapted["cross_validation"]
    before, after = shown["before"], shown["after"]
    return (
        f"Small parts of it were then tuned on {adapted['clips']} clips by {adapted['people']} people. In "
        f"cross-validation over {shown['by']} R@1 went from {before['recall_at_1']:.3f} to {after['recall_at_1']:.3f} "
        f"({shown['num_questions']} questions); of {after['answered']} answers {after['wrong']} were wrong, before "
        f"{before['wrong']} of {before['answered']}. Its other figures are those of the encoder before."
    )


def _folders(folders: list[dict[str, Any]]) -> str:
    return ", ".join(f"{folder['name']} ({folder['clips']} clips)" for folder in folders) or "none"


_RECALLS = {"recall_at_1": "R@1", "recall_at_5": "R@5"}
_GATES = {
    "known_accepted": "known accepted", "precision": "precision of answers", "unknown_accepted": "unknown accepted",
    "idle_accepted": "idle accepted",
}  # fmt: skip


def _table(plain: dict[str, str], measured: dict[str, str], rows: list[dict[str, Any]]) -> str:
    """A Markdown table of results under the names of its columns; "" without rows."""
    if not rows:
        return ""
    cells = [[*(str(row[name]) for name in plain), *(_interval(row[name]) for name in measured)] for row in rows]
    return markdown_table((*plain.values(), *measured.values()), cells)


def _interval(value: dict[str, Any] | None) -> str:
    if value is None:
        return "-"
    low, high = value.get("low"), value.get("high")
    text = f"{value['estimate']:.3f}"
    return text if low is None or high is None else f"{text} ({low:.3f}-{high:.3f})"


_HOLDS = "This holds for clips like those, not for new signers or cameras."
_HOLDS_WHEN_TAUGHT = (
    "Those were questions of other people than taught, the mean of several sets; a set may lie below it, and people, "
    "signs and cameras unlike those of the sets more so."
)


def _promises(decision: DecisionConfig, knows_sentences: bool) -> str:
    gate, sets = decision.gate, decision.sets
    lines = [f"* {gate.note[0].upper()}{gate.note[1:]}."] if gate.note else []
    if gate.fitted and gate.precision_asked is not None and gate.precision_reached:
        lines.append(
            f"* An answer is shown from a confidence of {gate.threshold:.2f} on; of the validation clips so answered "
            f"at least {gate.precision_asked:.0%} were right. {_HOLDS if knows_sentences else _HOLDS_WHEN_TAUGHT}"
        )
    lines.append(f"* Hand movement below {gate.motion_floor:.2f} shoulder widths a second counts as no signing.")
    if sets.gap is not None:
        lines.append(f"* Candidate sets hold the right sentence, if it is indexed, {sets.coverage:.0%} of the time.")
    if decision.policy == "strict":
        lines.append("* What is not proven below is never shown as an answer (policy `strict`).")
    else:
        lines.append("* What is not proven below is shown all the same, and marked (policy `research`).")
    promises = decision.promises.values()
    lines += [f"* {promise}." for promise in promises if knows_sentences or promise.population != "trained"]
    if gate.written is None:
        lines.append("* Sentences that are only written are never accepted on their own: no clip has proven that.")
    return "\n".join(lines)


def _variants(manifest: BundleManifest) -> str:
    variants = manifest.variants
    rows = [
        ("fp32", f"{variants.num_bytes:,}", "-" if variants.recall_at_1 is None else f"{variants.recall_at_1:.3f}", "0")
    ]
    rows += [(name, f"{v.num_bytes:,}", f"{v.recall_at_1:.3f}", f"{v.loss:.2f}") for name, v in variants.made.items()]
    table = markdown_table(("encoder", "bytes", "R@1", "points lost"), rows)
    left_out = "".join(f"\n* {name}: {reason}" for name, reason in variants.left_out.items())
    measured = (
        f"R@1 on {variants.num_clips} validation and training clips, none of which met itself."
        if variants.num_clips
        else "Smaller encoders were not measured."
    )
    other = "" if variants.offered == FULL_PRECISION else ", which loses less than half a point"
    if 0 < variants.num_clips < LEAST_MEASURED:
        other = f": on fewer than {LEAST_MEASURED} clips a loss of half a point cannot be seen"
    return f"{measured} Offered (`--variant offered`): **{variants.offered}**{other}.\n\n{table}" + (
        f"\n\nLeft out:\n{left_out}" if left_out else ""
    )


def _privacy(signs: int) -> str:
    kept = (
        "The bundle holds no video and no picture. It holds vectors made from the clips of its data's signers, their "
        "file names, and a signer's letter or name where the data had one (`index/embeddings_map.csv`). Ask the "
        "signers before you publish it."
    )
    if not signs:
        return kept + " No clip's landmarks are in it; the golden clips are made up."
    return kept + (
        f" `signs.npz` shows how {signs} sentences are signed: **the moving skeleton of a signer of the data**, one "
        "clip a sentence, with contours of the face. Somebody who knows a signer may recognise the movement. Export "
        "with `--no-signs` to leave them out. The golden clips are made up."
    )


def _origin(manifest: BundleManifest) -> str:
    rows = [
        ("licence", " ".join(manifest.licence.split()) or NOT_STATED),
        ("split", manifest.split_hash or "not known"),
        ("encoder", str(manifest.origin.get("encoder_id", "not known"))),
        ("landmarker models", ", ".join(manifest.landmarkers) or "not told by the clips"),
        ("bundle format", str(manifest.format_version)),
        *((name, version) for name, version in sorted(manifest.versions.items())),
    ]
    return markdown_table(("what", "value"), rows)
