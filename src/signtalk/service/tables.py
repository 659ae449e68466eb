"""The numbers and names that the page's engine shares with Python, as a module of JavaScript.

    constants of Python -> `tables` -> `as_javascript` -> web/engine/tables.js

The engine computes what Python computes, from the same tables. They are written here alone: `python -m
signtalk.service.tables` writes the module, and a test holds the two equal. It is a file of the page and not an answer
of the service, because the offline page has no service to ask.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

from signtalk.bundle import archive
from signtalk.bundle.golden import GOLDEN_TOLERANCE
from signtalk.bundle.web import PAGE, WEB_FORMAT_VERSION
from signtalk.data import holistic, manifest, records, tokenizer
from signtalk.index import personal, said, takes, written
from signtalk.landmarks import clip, columns, drawing, features, legacy_rows, plausible, wire
from signtalk.recognition import (
    critical_words,
    ctc,
    enrolment,
    evidence,
    gate,
    logistic,
    recognizer,
    scoring,
    signer_fit,
    signer_prompts,
    sketches,
    spelling_decoder,
)
from signtalk.segmentation import activity, segmenter
from signtalk.service import schemas, session, settings, stream_signer

TABLES_PATH = PAGE / "engine" / "tables.js"
_HEAD = """\
/**
 * Names and numbers that the engine shares with Python, each as the module named above it has them.
 * Written by `python -m signtalk.service.tables`; change them in Python.
 */
"""


def tables() -> dict[str, dict[str, Any]]:
    """The tables by the module of Python that owns them: name in JavaScript -> what JSON can say."""
    return {
        "signtalk.landmarks.clip": {
            "POSE_NAMES": clip.POSE_NAMES,
            "HAND_POINTS": clip.HAND_POINTS,
            "FACE_INDICES": clip.FACE_INDICES,
            "PARTS": {name: [columns.start, columns.stop] for name, columns in clip.PARTS.items()},
            "MAX_COORDINATE": clip.MAX_COORDINATE,
            "MIN_ASPECT": clip.MIN_ASPECT,
            "MAX_ASPECT": clip.MAX_ASPECT,
            "DEFAULT_FPS": clip.DEFAULT_FPS,
            "CLIP_FORMAT_VERSION": clip.CLIP_FORMAT_VERSION,
        },
        "signtalk.landmarks.wire": {
            "CLIP_MEDIA_TYPE": wire.CLIP_MEDIA_TYPE,
            "MAGIC": wire.MAGIC.decode("ascii"),
            "HEADER_BYTES": wire.HEADER.size,
            "FRAME_BYTES": wire.FRAME_BYTES,
        },
        "signtalk.data.holistic": {"MAX_FRAMES": holistic.MAX_CLIP_FRAMES},
        "signtalk.landmarks.features": {
            "BODY_NAMES": features.BODY_NAMES,
            "FACE_POINT_NAMES": features.FACE_POINT_NAMES,
            "POSE_HAND_NAMES": features.POSE_HAND_NAMES,
            "TIP_NAMES": features.TIP_NAMES,
            "DEFAULT_FEATURES": features.FeatureConfig().model_dump(mode="json"),
            "MIN_SHOULDER_WIDTH": features.MIN_SHOULDER_WIDTH,
            "MIN_SHOULDER_SHARE": features.MIN_SHOULDER_SHARE,
            "MOTION_RATE": features.MOTION_RATE,
            "LEAST_HAND_SHARE": features.LEAST_HAND_SHARE,
            "MIN_PALM": columns.MIN_PALM,
            "MIN_BONE": columns.MIN_BONE,
        },
        "signtalk.landmarks.drawing": {
            "SKELETON_LINES": drawing.LINES,
            "SKELETON_DOTS": drawing.DOTS,
            "MIN_VISIBILITY": drawing.MIN_VISIBILITY,
        },
        "signtalk.landmarks.plausible": {
            "HEAD_OVER_SHOULDERS": plausible.HEAD_OVER_SHOULDERS,
            "HANDS_APART": plausible.HANDS_APART,
            "HANDS_ELSEWHERE": plausible.HANDS_ELSEWHERE,
            "HANDS_EXCHANGED": plausible.HANDS_EXCHANGED,
        },
        "signtalk.landmarks.legacy_rows": {
            "PROTOTYPE_COLUMNS": legacy_rows.PROTOTYPE_COLUMNS,
            "DEFAULT_SMOOTHING_ALPHA": legacy_rows.DEFAULT_SMOOTHING_ALPHA,
            "TORSO_NAMES": legacy_rows.TORSO_NAMES,
            "MIN_TORSO": legacy_rows.MIN_TORSO,
            "MIN_SPAN": legacy_rows.MIN_SPAN,
        },
        "signtalk.data.records": {"TABLE_COLUMNS": records.TABLE_COLUMNS, "CLIPS_FOLDER": records.CLIPS_FOLDER},
        "signtalk.data.manifest": {"TABLE_NAME": manifest.TABLE_NAME},
        "signtalk.data.tokenizer": {
            "PAD_ID": tokenizer.PAD_ID,
            "SOS_ID": tokenizer.SOS_ID,
            "EOS_ID": tokenizer.EOS_ID,
            "UNK_ID": tokenizer.UNK_ID,
            "WORD_START": tokenizer.WORD_START,
        },
        "signtalk.recognition.critical_words": {
            "MEANINGS": critical_words.MEANINGS,
            "LOOK_LIKE_APOSTROPHES": critical_words.LOOK_LIKE_APOSTROPHES,
            "WORD_JOINERS": critical_words.WORD_JOINERS,
        },
        "signtalk.recognition.ctc": {
            "BLANK_ID": ctc.BLANK_ID,
            "NEVER_SHOWN": ctc.NEVER_SHOWN,
            "IMPOSSIBLE": ctc.IMPOSSIBLE,
        },
        "signtalk.recognition.spelling_decoder": {
            "MOST_WORDS_TRIED": spelling_decoder.MOST_WORDS_TRIED,
        },
        "signtalk.recognition.signer_fit": {"SIGNER_FIT": signer_fit.SignerFitConfig().model_dump()},
        "signtalk.recognition.signer_prompts": {"AGAIN": signer_prompts.AGAIN},
        "signtalk.recognition.scoring": {
            "LEAST_LOG_LIKELIHOOD": scoring.LEAST_LOG_LIKELIHOOD,
            "SKETCHED_FINELY": scoring.SKETCHED_FINELY,
        },
        "signtalk.recognition.sketches": {
            "COARSE_STRETCHES": sketches.COARSE_STRETCHES,
            "FINE_STRETCHES": sketches.FINE_STRETCHES,
            "SKETCH_COLUMNS": sketches.SKETCH_COLUMNS,
            "COLUMNS_CHOSEN_BY": sketches.COLUMNS_CHOSEN_BY,
        },
        "signtalk.index.said": {"SAID_ID": said.SAID_ID},
        "signtalk.index.personal": {"ENROLLED_ID": personal.ENROLLED_ID},
        "signtalk.index.takes": {
            "TAKES_NAME": takes.TAKES_NAME,
            "TAKE_COLUMNS": takes.TAKE_COLUMNS,
            "CONSENTS": get_args(takes.Consent),
            "ORIGINS": get_args(takes.Origin),
            "LONGEST_ID": takes.LONGEST_ID,
        },
        "signtalk.index.written": {
            "WRITTEN_ID": written.WRITTEN_ID,
            "MIN_SIGNED_SENTENCES": written.MIN_SIGNED_SENTENCES,
        },
        "signtalk.recognition.evidence": {
            "FIGURES": evidence.FIGURES,
            "NEIGHBOURS": evidence.NEIGHBOURS,
            "LEAST_NEIGHBOURS": evidence.LEAST_NEIGHBOURS,
            "LOWEST_MARGIN": evidence.LOWEST_MARGIN,
            "LOWEST_PER_WORD": evidence.LOWEST_PER_WORD,
        },
        "signtalk.recognition.logistic": {"HIGHEST": logistic.HIGHEST},
        "signtalk.recognition.gate": {"UNSURE": gate.UNSURE, "REASON_OF": gate.REASON_OF},
        "signtalk.recognition.recognizer": {"MOST_OFFERED": recognizer.MOST_OFFERED},
        "signtalk.recognition.enrolment": {
            "SAME_COSINE": enrolment.SAME_COSINE,
            "SAME_TOLERANCE": enrolment.SAME_TOLERANCE,
            "CONFUSED": enrolment.CONFUSED,
            "SHOWN_NEAREST": enrolment.SHOWN_NEAREST,
        },
        "signtalk.segmentation.activity": {
            "ACTIVITY_FEATURES": activity.FEATURE_NAMES,
            "ACTIVITY": {
                "fast_s": activity.FAST_S,
                "slow_s": activity.SLOW_S,
                "quick_s": activity.QUICK_S,
                "long_s": activity.LONG_S,
                "seen_s": activity.SEEN_S,
                "width_s": activity.WIDTH_S,
                "rest_s": activity.REST_S,
                "lower_rest_s": activity.LOWER_REST_S,
                "held_s": activity.HELD_S,
                "still_speed": activity.STILL_SPEED,
                "lowest": activity.LOWEST,
                "raised": activity.RAISED,
                "longest_raised_s": activity.LONGEST_RAISED_S,
                "resting": activity.RESTING,
                "min_width": features.MIN_SHOULDER_WIDTH,
                "limit": activity.LIMIT,
            },
        },
        "signtalk.segmentation.segmenter": {"MOST_FPS": segmenter.MOST_FPS},
        "signtalk.service.session": {"ACTIVITY_EVERY_S": session.ACTIVITY_EVERY_S},
        "signtalk.service.settings": {"MOST_SIGNER_SENTENCES": settings.ServiceSettings().max_signer_sentences},
        "signtalk.service.stream_signer": {
            "MOST_OPEN": stream_signer.MOST_OPEN,
            "LEAST_SENTENCES": stream_signer.LEAST_SENTENCES,
        },
        "signtalk.service.schemas": {
            "MOST_TEXT": schemas.MOST_TEXT,
            "MOST_NAME": schemas.MOST_NAME,
            "MOST_ENROLLED": schemas.MOST_ENROLLED,
            "MOST_LINE": schemas.MOST_LINE,
            "MOST_LINES": schemas.MOST_LINES,
        },
        "signtalk.bundle.archive": {
            "MAX_ENTRY_NAME": archive.MAX_NAME,
            "MAX_UNPACK_RATIO": archive.MAX_RATIO,
            "UNPACK_RATIO_FROM": archive.RATIO_FROM,
        },
        "signtalk.bundle.golden": {"GOLDEN_TOLERANCE": GOLDEN_TOLERANCE},
        "signtalk.bundle.web": {"WEB_FORMAT_VERSION": WEB_FORMAT_VERSION},
    }


def as_javascript(content: dict[str, dict[str, Any]]) -> str:
    """The text of a module that exports every entry; lines as long as they come."""
    parts = [_HEAD]
    for module, entries in content.items():
        lines = (f"export const {name} = {json.dumps(value)};\n" for name, value in entries.items())
        parts.append(f"\n// {module}\n{''.join(lines)}")
    return "".join(parts)


def main(path: Path = TABLES_PATH) -> None:
    """Write the module into the page."""
    path.write_text(as_javascript(tables()), encoding="utf-8")


if __name__ == "__main__":
    main()
