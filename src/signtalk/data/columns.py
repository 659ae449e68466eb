"""What the columns of a table are called: our names, and how people spell them.

    titles of a header -> matched_columns -> our name -> its title

One list for every command that reads a table (`signtalk.data.tables`), so that what one of them understands all do.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence

from signtalk.errors import DataError

ALIASES: dict[str, tuple[str, ...]] = {
    "path": ("path", "filepath", "relativepath", "videopath", "clippath", "posepath", "landmarkpath"),
    "video_file": (
        "videofile", "video", "videoname", "videofilename", "filename", "file", "clip", "clipname", "clipfile", "media",
        "mediafile", "recording", "posefile", "videoid",
    ),
    "feature_path": ("featurepath", "featurefile", "features", "landmarkfile"),
    "clip_id": ("clipid",),
    "sentence_id": (
        "sentenceid", "textid", "glossid", "signid", "wordid", "phraseid", "labelid", "id", "sentenceno",
        "sentencenumber", "no", "sn", "number", "sid",
    ),
    "sentence": (
        "sentence", "text", "english", "englishsentence", "sentences", "phrase", "utterance", "translation",
        "transcript", "transcription", "gloss", "glosses", "sign", "word", "label", "meaning", "class", "classname",
    ),
    "category": ("category", "categories", "class", "domain", "topic"),
    "signer": (
        "signer", "signerid", "participant", "participantid", "person", "personid", "subject", "subjectid", "informant",
        "informantid", "speaker", "speakerid", "actor", "actorid", "performer", "user", "userid",
    ),
    "session": ("session", "sessionid", "day", "date", "recordingday"),
    "text_variations": ("textvariations", "variations", "paraphrases"),
    "is_idle": ("isidle", "idle"),
    "fps": ("fps", "framerate", "framespersecond"),
    "aspect": ("aspect", "aspectratio"),
    "smoothing_alpha": ("smoothingalpha",),
    "num_frames": ("numframes",),
    "frame_feature_dim": ("framefeaturedim",),
    "detection_ratio": ("detectionratio",),
    "mean_visibility": ("meanvisibility",),
    "motion_mean": ("motionmean",),
    "motion_p50": ("motionp50",),
    "motion_p95": ("motionp95",),
    "motion_max": ("motionmax",),
}  # fmt: skip
"""Our names, and how a title may spell each without case, blanks and punctuation; the first alias that is there wins,
and a title that one column has taken is not taken by a later one."""
NUMBERS = frozenset(
    (
        "fps", "aspect", "smoothing_alpha", "num_frames", "frame_feature_dim", "detection_ratio", "mean_visibility",
        "motion_mean", "motion_p50", "motion_p95", "motion_max",
    )
)  # fmt: skip
"""Columns of numbers, in which a comma is a decimal point."""


def folded_title(title: str) -> str:
    """A title without case, blanks, punctuation and look-alikes: "Video File" and "video_file" are one."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", title)).casefold()


def matched_columns(where: str, titles: Sequence[str], names: Collection[str] = ALIASES) -> dict[str, int]:
    """Which column of a table is which of ours.

    Args:
        where: the table, for messages.
        titles: of its header, as they stand there.
        names: those of our columns that are looked for.

    Returns:
        Our names, those that are there, and the position of each.

    Raises:
        DataError: two titles spell one alias.
    """
    places: dict[str, list[int]] = {}
    for place, title in enumerate(titles):
        places.setdefault(folded_title(title), []).append(place)
    columns: dict[str, int] = {}
    for ours, aliases in ALIASES.items():
        if ours not in names:
            continue
        alias = next((a for a in aliases if a in places and places[a][0] not in columns.values()), None)
        if alias is None:
            continue
        if len(places[alias]) > 1:
            both = "' and '".join(dict.fromkeys(titles[place] for place in places[alias]))
            raise DataError(f"{where}: two columns '{both}'; remove one")
        columns[ours] = places[alias][0]
    return columns


def spellings(name: str) -> str:
    """The titles that a message offers for one of our columns."""
    return ", ".join((name, *(alias for alias in ALIASES[name][:12] if alias != folded_title(name))))
