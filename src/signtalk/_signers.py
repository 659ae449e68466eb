"""One person's clips with their texts, as users name them, and what a model learns of the person from them.

mapping text -> clips, or a data folder -> learned_signer -> SignerTransform
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from signtalk._clips import ClipLike, ListedClips, PathLike
from signtalk.data.manifest import clip_of_record, load_manifest
from signtalk.errors import ConfigError, DataError
from signtalk.extraction.reader import ClipReader
from signtalk.landmarks.clip import LandmarkClip
from signtalk.landmarks.features import extract_features
from signtalk.recognition.recognizer import Recognizer
from signtalk.recognition.signer_fit import fit_signer
from signtalk.recognition.signer_transform import SignerTransform

LabelledClips = PathLike | Mapping[str, ClipLike | Sequence[ClipLike]]
MOST_CLIPS = 200
"""More tell nothing new of a person; enrol or train with them."""


def learned_signer(
    recognizer: Recognizer, clips: LabelledClips, signer: str, fps: float, smoothing_alpha: float
) -> SignerTransform:
    """Learn a person.

    Args:
        recognizer: everybody's, over the references that the clips are laid beside.
        clips: as `Model.learn_signer` takes them.
        signer: who of a data folder; "" = its only signer.
        fps: frame rate of `.npy` files.
        smoothing_alpha: smoothing of `.npy` files.
    """
    if isinstance(clips, str | os.PathLike):
        pairs = list(_of_folder(Path(clips), signer))
    elif signer:
        raise ConfigError(f"signer '{signer}' of clips that name none; give a data folder, or leave the signer out")
    else:
        with ClipReader(fps=fps, smoothing_alpha=smoothing_alpha) as reader:
            named = [(text, ListedClips.of(each).read(reader)) for text, each in clips.items()]
        pairs = [(text, clip) for text, by_name in named for clip in by_name.values()]
    if not pairs or len(pairs) > MOST_CLIPS:
        raise DataError(f"{len(pairs)} clips to learn a signer from; give 1 to {MOST_CLIPS}, best 5 to 20")
    features = [extract_features(clip, recognizer.encoder.feature_config) for _, clip in pairs]
    stacked = np.stack([each.features for each in features]), np.stack([each.valid for each in features])
    texts = [text for text, _ in pairs]
    return fit_signer(recognizer.encoder.encode(*stacked), texts, recognizer.index, recognizer.tokenizer)


def _of_folder(folder: Path, signer: str) -> Iterator[tuple[str, LandmarkClip]]:
    """The texts and clips of one signer of a data folder, those at rest left out."""
    manifest = load_manifest(folder)
    if signer and signer not in manifest.signers:
        raise DataError(f"{folder}: no signer '{signer}'; it holds {', '.join(manifest.signers)}")
    if not signer and len(manifest.signers) != 1:
        raise ConfigError(f"{folder}: {len(manifest.signers)} signers; name one of {', '.join(manifest.signers)}")
    for record in manifest.records:
        if not record.is_idle and signer in ("", record.signer_id):
            yield record.sentence, clip_of_record(record)
