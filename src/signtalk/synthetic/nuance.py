"""How a sign departs from the table values of its parameters; added to them where `signing` performs it."""

from __future__ import annotations

from dataclasses import dataclass

Vector = tuple[float, float, float]
"""Of the own-side frame: x away from the body's midline, y up, z forward; shoulder widths."""


@dataclass(frozen=True)
class Nuance:
    """How a sign departs from the table values of its parameters; all zero for the signs of the lexicon.

    Attributes:
        start: (12,) added to the handshape at the beginning.
        end: (12,) added to the handshape at the end.
        place: (3,) added to the location, shoulder widths, own-side frame.
        turn: (2,) added to the hand's rotation about its fingers and its knuckles, radians.
        course: (3,) added to the movement's direction.
        size: of the movement, 1 is the table's.
    """

    start: tuple[float, ...] = (0.0,) * 12
    end: tuple[float, ...] = (0.0,) * 12
    place: Vector = (0.0, 0.0, 0.0)
    turn: tuple[float, float] = (0.0, 0.0)
    course: Vector = (0.0, 0.0, 0.0)
    size: float = 1.0


PLAIN = Nuance()
"""As the tables have it."""
