"""What the columns of a table are called: our names, and how people spell them.

    titles of a header -> matched_columns -> our name -> its title

One list for every command that reads a table (`signtalk.data.tables`), so that what one of them understands all do.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from itertools import chain

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
        "informantid", "speaker", "speakerid", "actor", "actorid", "performer", "user", "userid", "signercode",
        "signername", "signerno", "signernumber", "participantcode", "participantname", "participantno",
        "participantnumber", "personcode", "personname", "subjectcode", "subjectname", "informantcode", "informantname",
        "speakercode", "speakername", "actorname", "performerid", "performername", "username",
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
one that two columns share comes last, and a title that one column has taken is not taken by a later one. Where no title
is spelled so, "Gloss (English)" is a gloss, and "Sign / Gloss" is what both of its names mean. Brackets behind other
titles say that something else is meant: "Signer (age)" is no signer."""
_BY_ALIAS: dict[str, dict[str, int]] = {
    alias: {ours: aliases.index(alias) for ours, aliases in ALIASES.items() if alias in aliases}
    for alias in chain.from_iterable(ALIASES.values())
}
"""For each spelling, which columns it may be, and its place in their lists."""
_EXACT, _LOOSE, _SHARED = range(3)
_OF_FILES = frozenset(("mp4", "mov", "avi", "mkv", "webm", "mpg", "mpeg", "wmv", "name", "filename", "path"))
"""What brackets behind the title of a file may say; "(MB)" is about something else."""
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
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
        DataError: two titles mean one column alike.
    """
    meanings = [_meanings(title) for title in titles]
    columns: dict[str, int] = {}
    for ours in ALIASES:
        ranks = {
            place: meaning[ours]
            for place, meaning in enumerate(meanings)
            if ours in names and ours in meaning and place not in columns.values()
        }
        if not ranks:
            continue
        best = [place for place, rank in ranks.items() if rank == min(ranks.values())]
        if len(best) > 1:
            both = "' and '".join(dict.fromkeys(titles[place] for place in best))
            raise DataError(f"{where}: two columns '{both}'; remove one")
        columns[ours] = best[0]
    return columns


def places_of(titles: Sequence[str], name: str) -> list[int]:
    """The positions of all titles that may mean one of our columns, the best first.

    Args:
        titles: of a header.
        name: of our column.
    """
    ranks = {place: rank for place, title in enumerate(titles) if (rank := _meanings(title).get(name))}
    return sorted(ranks, key=lambda place: ranks[place])


def _meanings(title: str) -> dict[str, tuple[int, int]]:
    """Which of our columns a title may be, and how well it says so: the least is the best."""
    spelled = _BY_ALIAS.get(folded_title(title))
    if spelled:
        closeness = _EXACT if len(spelled) == 1 else _SHARED
        return {ours: (closeness, place) for ours, place in spelled.items()}
    parts = [_BY_ALIAS.get(folded_title(part), {}) for part in _BRACKETS.sub(" ", title).split("/")]
    bracketed = {folded_title(each) for each in _BRACKETS.findall(title)}
    return {
        ours: (_LOOSE, min(part[ours] for part in parts))
        for ours in parts[0]
        if all(ours in part for part in parts)
        and (not bracketed or ours == "sentence" or (ours in ("path", "video_file") and bracketed <= _OF_FILES))
    }


def spellings(name: str) -> str:
    """The titles that a message offers for one of our columns."""
    return ", ".join((name, *(alias for alias in ALIASES[name][:12] if alias != folded_title(name))))
