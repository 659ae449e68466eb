import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from signtalk.synthetic.drawn_signs import PHONOLOGY, draw_sign, near, phonology
from signtalk.synthetic.lexicon import BASE_HANDS, Sign, parameters


@given(st.integers(0, 10_000))
def test_a_drawn_sign_can_be_told_by_its_parameters(seed: int) -> None:
    sign = draw_sign(np.random.default_rng(seed))
    told = {name: values[place] for (name, values), place in zip(PHONOLOGY.items(), phonology(sign), strict=True)}
    assert told == {name: getattr(sign, name) for name in PHONOLOGY}
    assert (sign.location in BASE_HANDS) == (sign.hands == "base")


def test_no_two_of_many_are_equal() -> None:
    rng = np.random.default_rng(0)
    assert len({draw_sign(rng) for _ in range(2000)}) == 2000


def test_no_sign_equals_its_neighbour_and_a_seed_gives_the_same_one() -> None:
    def pair(seed: int) -> tuple[Sign, Sign]:
        rng = np.random.default_rng(seed)
        sign = draw_sign(rng)
        return sign, near(sign, rng)

    signs = [sign for seed in range(3000) for sign in pair(seed)]
    assert len({(*phonology(sign), sign.nuance) for sign in signs}) == 6000
    assert pair(7) == tuple(signs[14:16])


@given(st.integers(0, 10_000))
def test_a_near_sign_differs_in_one_parameter_and_keeps_its_nuance(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sign = draw_sign(rng)
    other = near(sign, rng)
    names = ["hands", "start", "end", "location", "orientation", "movement", "direction", "repeats", "face"]
    changed = {name for name, a, b in zip(names, parameters(sign), parameters(other), strict=True) if a != b}
    if "movement" in changed:  # what hangs on it goes with it alone
        changed -= {"direction"} if "none" in (sign.direction, other.direction) else set()
        changed -= {"repeats"} if other.movement in ("hold", "arc") else set()
    changed -= {"end"} if sign.start == sign.end and other.start == other.end else set()
    assert len(changed) == 1
    assert (other.direction == "none") == (other.movement not in ("path", "arc", "circle", "tap", "shake"))
    assert "movement" in changed or other.duration_s == sign.duration_s
    assert other.nuance == sign.nuance
    assert (other.location in BASE_HANDS) == (other.hands == "base")


@given(st.integers(0, 10_000))
def test_signs_that_bodies_tell_apart_have_the_same_handshape(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sign = draw_sign(rng)
    other = near(sign, rng, "body")
    assert (other.start, other.end) == (sign.start, sign.end)
    assert phonology(other) != phonology(sign)
