"""Pretrain a base encoder: signs without end, made up, mixed with recorded ones.

    PretrainConfig + data folders -> pretrain -> folder with best.safetensors

The folder holds `pretrain.json` (settings and what was learned from), `pretrain_history.csv`, `best.safetensors`
(what a base is made of), `last.ckpt` (to go on from) and the packed clips of the data folders.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch

from signtalk.data.manifest import ClipRecord, Manifest
from signtalk.data.packed import PackedClip, PackedClips, pack_clips
from signtalk.errors import ArtifactError, DataError
from signtalk.evaluation.one_shot import draw_references, one_shot
from signtalk.files import read_json, write_csv, write_json
from signtalk.models.model import SignModel
from signtalk.recognition.asked import encode_all
from signtalk.training.checkpoint import TorchEncoder, save_checkpoint
from signtalk.training.episodes import Episode, MadeUpClips, Pool, RecordedClips, episode, make_pool
from signtalk.training.folder import checked_last
from signtalk.training.names import BEST_NAME, STORE_NAME
from signtalk.training.pretrain_config import PretrainConfig
from signtalk.training.pretrain_module import Pretraining, base_tokenizer
from signtalk.training.recipe import OptimiserConfig
from signtalk.training.statistics import mean_and_spread
from signtalk.training.trainer import TrainOptions, fit

PRETRAIN_NAME = "pretrain.json"
PRETRAIN_HISTORY_NAME = "pretrain_history.csv"
_UNSEEN_SEED = 2**31
"""Added to the seed of the training: signs and people of the validation are nobody that it meets."""
_STATISTICS_GROUPS = 100
_MOST_QUERIES = 150


@dataclass(frozen=True)
class PretrainResult:
    """What pretraining ended with.

    Attributes:
        best: the weights to make a base of.
        epochs: done so far.
        best_epoch: the epoch they were taken from.
        best_score: mean one-shot R@1 over the made-up signs and each validation folder.
        clips: recorded clips that were learned from, by folder.
    """

    best: Path
    epochs: int
    best_epoch: int
    best_score: float
    clips: dict[str, int]


@dataclass(frozen=True, eq=False)
class AskedClips:
    """Clips on which a base is measured while it is trained.

    Attributes:
        name: of the set.
        store: holds them.
        which: (B,) their places in it.
        labels: what each says.
        people: who signs each.
    """

    name: str
    store: PackedClips
    which: npt.NDArray[np.int64]
    labels: tuple[str, ...]
    people: tuple[str, ...]

    def __post_init__(self) -> None:
        _check_asked(self.name, self.labels, self.people)


def pretrain(
    config: PretrainConfig,
    options: TrainOptions,
    learned: Sequence[Manifest] = (),
    asked: Sequence[Manifest] = (),
) -> PretrainResult:
    """Train a base encoder and leave its folder.

    The data is checked before anything is written, and once more when it is packed. Only then is the folder claimed:
    what cannot work leaves no pretraining behind, at most packed clips, which the next attempt takes over.

    Args:
        config: all settings.
        options: where to, and how.
        learned: data folders whose clips are learned from, beside the made-up ones.
        asked: data folders on which the best epoch is chosen, beside made-up signs; nothing is learned from them.

    Raises:
        ArtifactError: the folder holds another pretraining, or there is nothing to resume.
        DataError: a data folder has no two sentences to learn from, or nobody to be asked what another signed, or its
            clips cannot be packed.
        KeyboardInterrupt: stopped from outside; the run can be resumed.
    """
    out = options.out
    about = _about(config, learned, asked)
    _check_folder(out, about, options.resume)
    for manifest in learned:
        _check_learned(manifest.root, _signed(manifest.records))
    for manifest in asked:
        _check_asked(manifest.root, *_said_by(_signed(manifest.records)))
    stores = [_packed(manifest, config, out / STORE_NAME / f"learned{i}") for i, manifest in enumerate(learned)]
    for manifest, store in zip(learned, stores, strict=True):
        _check_learned(manifest.root, _signed(store.held(manifest.records)))
    recorded = RecordedClips(stores, [manifest.records for manifest in learned], config) if learned else None
    measured = [
        _asked(manifest, _packed(manifest, config, out / STORE_NAME / f"asked{i}")) for i, manifest in enumerate(asked)
    ]
    write_json(out / PRETRAIN_NAME, about)
    measured = [unseen_made_up(config), *measured]
    with MadeUpClips(config) as made_up:

        def make_episode(step: int) -> Episode:
            return episode(config, made_up, recorded, step)

        module = Pretraining(config, make_episode, _Keeper(out, about, measured))
        module.model.set_statistics(*_statistics(config))
        last = checked_last(out, module.state_dict()) if options.resume else None
        fit(module, OptimiserConfig(epochs=config.epochs, gradient_clip=config.gradient_clip), options, last)
    rows = module.history.rows
    scores = [row["val_retrieval_top1"] for row in rows]
    best = max(range(len(rows)), key=lambda epoch: (scores[epoch], epoch))  # of equal ones the last, as it is kept
    clips = {str(manifest.root): len(store.clips) for manifest, store in zip(learned, stores, strict=True)}
    return PretrainResult(out / BEST_NAME, len(rows), best + 1, scores[best], clips)


def _about(config: PretrainConfig, learned: Sequence[Manifest], asked: Sequence[Manifest]) -> dict[str, Any]:
    """What decides the result, as JSON."""
    folders = {
        role: [{"name": manifest.root.name, "clips": len(manifest.records)} for manifest in manifests]
        for role, manifests in (("learned", learned), ("asked", asked))
    }
    return {"config": config.model_dump(mode="json"), **folders}


def _check_folder(out: Path, about: dict[str, Any], resume: bool) -> None:
    """Make sure that a pretraining may begin in `out`, or go on there; nothing is written."""
    path = out / PRETRAIN_NAME
    if path.exists():
        if not resume:
            raise ArtifactError(f"{out}: holds a pretraining; add --resume to go on with it, or choose another folder")
        if read_json(path) != about:
            raise ArtifactError(
                f"{out}: holds a pretraining with other settings or data; give those it was begun with, or choose "
                "another folder"
            )
        return
    if resume and not (out / STORE_NAME).is_dir():  # one that was stopped while it packed has only its stores
        raise ArtifactError(f"{out}: no pretraining to resume; leave out --resume")
    if out.exists() and (not out.is_dir() or any(path.name != STORE_NAME for path in out.iterdir())):
        raise DataError(f"{out}: not an empty folder; choose a new one")


def _check_learned(name: str | Path, records: Sequence[ClipRecord]) -> None:
    sentences = {record.text_key for record in records}
    if len(sentences) < 2:
        raise DataError(
            f"{name}: sentences to learn from: {len(sentences)}; expected two or more; record another sentence, or "
            "leave this folder out of what is learned"
        )


def _check_asked(name: str | Path, labels: Sequence[str], people: Sequence[str]) -> None:
    if next(draw_references(labels, people, 1, np.random.default_rng(0)), None) is None:
        raise DataError(
            f"{name}: people: {len(set(people))}, sentences: {len(set(labels))}, and nobody can be asked what another "
            "taught; expected a person with two sentences or more, one of which another person signs too; record "
            "another person, or leave this folder out of what is asked"
        )


def _signed(records: Iterable[ClipRecord]) -> list[ClipRecord]:
    """Those in which somebody signs."""
    return [record for record in records if not record.is_idle]


def _said_by(records: Sequence[ClipRecord]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What each clip says, and who signs it."""
    return tuple(record.text_key for record in records), tuple(record.signer_id for record in records)


def _packed(manifest: Manifest, config: PretrainConfig, folder: Path) -> PackedClips:
    return pack_clips(manifest.records, config.features, folder)


def _asked(manifest: Manifest, store: PackedClips) -> AskedClips:
    records = _signed(store.held(manifest.records))
    which = store.positions_of([record.clip_id for record in records])
    return AskedClips(manifest.root.name, store, which, *_said_by(records))


def unseen_made_up(config: PretrainConfig) -> AskedClips:
    """Signs and people that training never meets: as many people make each sign as in a batch."""
    pool = make_pool(config.made_up(_UNSEEN_SEED), config.features, 0, config.unseen_groups)
    turns = [int((pool.groups[:i] == group).sum()) for i, group in enumerate(pool.groups)]
    labels = tuple(map(str, pool.groups.tolist()))
    store = _as_store(pool, config)
    return AskedClips("made up", store, np.arange(len(labels)), labels, tuple(map(str, turns)))


def _as_store(pool: Pool, config: PretrainConfig) -> PackedClips:
    """A pool as packed clips, in memory."""
    places = zip(pool.first_rows.tolist(), pool.num_frames.tolist(), strict=True)
    clips = tuple(PackedClip(str(i), first, count, 1.0, 0.0, "") for i, (first, count) in enumerate(places))
    return PackedClips(config.features, clips, pool.rows)


def _statistics(config: PretrainConfig) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and spread of each feature over made-up clips."""
    pool = make_pool(config.made_up(), config.features, 0, _STATISTICS_GROUPS)
    store = _as_store(pool, config)
    mean, std = mean_and_spread(store, np.arange(len(store.clips)))
    return torch.from_numpy(mean), torch.from_numpy(std)


class _Keeper:
    """After each epoch: measures, writes the history, and keeps the weights if they are the best."""

    def __init__(self, out: Path, about: dict[str, Any], measured: Sequence[AskedClips]) -> None:
        self._out, self._about, self._measured = out, about, measured

    def __call__(self, module: Pretraining, losses: dict[str, float]) -> None:
        history, config = module.history, module.config
        model = cast("SignModel", module.averaged.module).eval()
        encoder = TorchEncoder(model, config.features)
        recalls = {clips.name: one_shot_recall(encoder, clips) for clips in self._measured}
        score = float(np.mean([recall for recall, _ in recalls.values()]))
        row: dict[str, Any] = {"epoch": len(history.rows) + 1, "train_loss": losses.pop("train")}
        row |= {f"{name}_loss": value for name, value in losses.items()}
        row |= {"val_retrieval_top1": score, "val_retrieval_mrr": float(np.mean([m for _, m in recalls.values()]))}
        row |= {f"R@1 {name}": recall for name, (recall, _) in recalls.items()}
        history.rows.append(row)
        if score >= history.best_score:
            history.best_score = score
            origin = {"pretrain": self._about, "epoch": row["epoch"], "one_shot": row}
            save_checkpoint(self._out / BEST_NAME, model, config.features, base_tokenizer(), origin)
        columns = list(dict.fromkeys(name for each in history.rows for name in each))
        write_csv(
            self._out / PRETRAIN_HISTORY_NAME, columns, [dict.fromkeys(columns, "") | each for each in history.rows]
        )


def one_shot_recall(encoder: TorchEncoder, clips: AskedClips) -> tuple[float, float]:
    """Mean R@1 and MRR over one draw a person, one reference a sign."""
    encoded = encode_all(encoder, clips.store, clips.which)
    draws = draw_references(clips.labels, clips.people, 1, np.random.default_rng(0), _MOST_QUERIES)
    scores = [one_shot(encoded, clips.labels, draw) for draw in draws]
    return (
        float(np.mean([score.recall_at_1["both"] for score in scores])),
        float(np.mean([score.mrr["both"] for score in scores])),
    )
