"""Answers that the patient confirmed or corrected become labelled clips, where the person agreed to that.

    clip, sentence, origin -> remember -> a take beside the personal index (`index.said`)

What is kept this way answers nothing by itself; the reasons stand in `index.said`.
"""

from __future__ import annotations

from pathlib import Path

from signtalk.data.records import text_key
from signtalk.errors import ConfigError
from signtalk.index.files import locked
from signtalk.index.personal import refuse_bundle
from signtalk.index.said import keep_said, said_id
from signtalk.index.takes import Origin, Take
from signtalk.landmarks.clip import LandmarkClip
from signtalk.recognition.enrolment import NewSentence, checked_features, own_sentence_id
from signtalk.recognition.recognizer import Recognizer


def remember(recognizer: Recognizer, folder: Path, sentence: NewSentence, origin: Origin, clip: LandmarkClip) -> Take:
    """Keep what was signed under what it said; the same signing under another sentence gets the new one.

    Args:
        recognizer: its index tells the category of a sentence that it knows, its gate how much hands move.
        folder: the personal index, which need not be there.
        sentence: what was said, by whom and when; with the consent "train", for it serves nothing else.
        origin: "confirmed" or "corrected".
        clip: what was signed.

    Returns:
        The take as it is kept; it is on disk.

    Raises:
        ClipError: the clip shows no signing, as for `encode_clips`.
        ConfigError: the signer did not agree to training.
        ArtifactError: the folder is part of a bundle, or the table of what was said is damaged.
        DataError: the place cannot be written.
    """
    if sentence.consent != "train" or origin == "taught":
        raise ConfigError("what is confirmed or corrected is kept to train models alone, with consent to that")
    checked_features("clip", clip, recognizer.encoder.feature_config, recognizer.decision.gate.motion_floor)
    refuse_bundle(folder)
    key = text_key(sentence.text)
    rows = recognizer.index.sentences.get(key)
    known = "" if rows is None else recognizer.index.entries[int(rows[0])].category
    take = Take(
        clip_id=said_id(clip), sentence_id=own_sentence_id(key), sentence=sentence.text,
        category=sentence.category or known, signer_id=sentence.signer_id, language=sentence.language,
        consent=sentence.consent, date=sentence.date, origin=origin,
    )  # fmt: skip
    with locked(folder):
        keep_said(folder, [take], {take.clip_id: clip})
    return take
