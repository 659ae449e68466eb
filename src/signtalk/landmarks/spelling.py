"""Which of our landmarks a name means: ours, MediaPipe's own, and what people make of them.

    names of a file, our names -> match_names -> position of each of ours, names that are not known

Case, blanks, hyphens and underscores do not count: `LEFT_INDEX_FINGER_TIP` is `left_hand_index_tip`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

MESH_POINTS = 478
"""Of the face mesh with irises; their names are known, though not all are kept."""
_SIDES = ("left", "right")
_HAND_LIKE = re.compile(r"hand|finger|thumb|index|middle|ring|pinky|little|mcp|pip|dip|tip|wrist", re.IGNORECASE)


@dataclass(frozen=True)
class MatchedNames:
    """Where our landmarks stand in a file.

    Attributes:
        positions: by our name; two of ours may stand at one place, where a wrist is that of body and hand.
        unknown: names that mean none of ours, in the file's order.
        hand_points: how many points of hands are among `positions`.
    """

    positions: Mapping[str, int]
    unknown: tuple[str, ...]
    hand_points: int

    @property
    def unknown_hand_points(self) -> tuple[str, ...]:
        """Unknown names that speak of hands or fingers."""
        return tuple(name for name in self.unknown if _HAND_LIKE.search(name))


def match_names(names: Sequence[str], wanted: tuple[str, ...]) -> MatchedNames:
    """Find our landmarks among the names of a file.

    MediaPipe calls the first point of a hand and a point of the body alike: of two `left_wrist` the second is the
    hand's, and a single one right before the hand's thumb is both.

    Args:
        names: of the file, in its order.
        wanted: ours: body points, then `left_hand_...`, `right_hand_...` and `face_<number>`.

    Raises:
        ValueError: two names mean one landmark.
    """
    known = _spellings(wanted)
    positions: dict[str, int] = {}
    unknown = []
    for place, name in enumerate(names):
        ours = known.get(_squeezed(name))
        side = next((side for side in _SIDES if ours == f"{side}_wrist"), "")
        if side and (ours in positions or _thumb_follows(names, place, side, known)):
            positions.setdefault(ours or "", place)
            ours = f"{side}_hand_wrist"
        if ours is None:
            unknown.append(name)
        elif ours in positions:
            raise ValueError(f"names the same landmark twice: '{names[positions[ours]]}' and '{name}'")
        elif ours:
            positions[ours] = place
    in_hands = sum(name.startswith(("left_hand_", "right_hand_")) for name in positions)
    return MatchedNames(positions, tuple(unknown), in_hands)


def _thumb_follows(names: Sequence[str], place: int, side: str, known: Mapping[str, str]) -> bool:
    following = names[place + 1] if place + 1 < len(names) else ""
    return known.get(_squeezed(following)) == f"{side}_hand_thumb_cmc"


def _squeezed(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()


@cache
def _spellings(wanted: tuple[str, ...]) -> dict[str, str]:
    """Our name by each squeezed spelling; "" for points of the mesh that are known and not kept."""
    hands = {side: [name for name in wanted if name.startswith(f"{side}_hand_")] for side in _SIDES}
    in_hands = {name for names in hands.values() for name in names}
    body = [name for name in wanted if name not in in_hands and not name.startswith("face_")]
    known = {f"{part}{number}": "" for part in ("face", "facelandmarks") for number in range(MESH_POINTS)}
    for name in wanted:
        if name.startswith("face_"):
            known |= {f"face{name[5:]}": name, f"facelandmarks{name[5:]}": name}
    for side, names in hands.items():
        for number, name in enumerate(names):
            known |= dict.fromkeys(_spellings_of_hand(side, number, name.removeprefix(f"{side}_hand_")), name)
    for number, name in enumerate(body):
        squeezed = _squeezed(name)
        turned = "".join(reversed(name.split("_"))) if name.startswith("mouth_") else squeezed
        known |= dict.fromkeys((squeezed, turned), name)
        known |= {f"{part}{spelled}": name for part in ("pose", "poselandmarks") for spelled in (squeezed, number)}
    return known


def _spellings_of_hand(side: str, number: int, point: str) -> Iterator[str]:
    finger, _, joint = point.partition("_")
    points = {finger + joint, f"{finger}finger{joint}" if joint else finger}
    if finger == "pinky":
        points |= {f"little{joint}", f"littlefinger{joint}"}
    if point == "thumb_mcp":
        points |= {"thumbmp"}
    yield from (f"{side}hand{number}", f"{side}handlandmarks{number}")
    for squeezed in points:
        yield from (f"{side}hand{squeezed}", f"{side}handlandmarks{squeezed}", f"{squeezed}{side}")
        if joint:  # a wrist of a side alone is the body's
            yield f"{side}{squeezed}"
