from dataclasses import replace

import numpy as np

from made.people import nobody_in_particular
from signtalk.synthetic.lexicon import signs
from signtalk.synthetic.nuance import PLAIN, Nuance
from signtalk.synthetic.signing import PLACE, sign_poses


def poses(nuance: Nuance) -> np.ndarray:
    return sign_poses(replace(signs()["WATER"], nuance=nuance), nobody_in_particular(), np.random.default_rng(0))[1]


def test_a_plain_sign_is_as_the_tables_have_it() -> None:
    np.testing.assert_array_equal(poses(Nuance()), poses(PLAIN))


def test_what_departs_is_what_the_nuance_names() -> None:
    plain = poses(PLAIN)
    np.testing.assert_allclose((poses(Nuance(place=(0.1, 0.2, 0.3))) - plain)[:, PLACE], [[0.1, 0.2, 0.3]] * len(plain))
    bent = poses(Nuance(start=(0.2,) * 12, end=(0.2,) * 12))
    assert (bent[:, 7:19] > plain[:, 7:19]).all()
    np.testing.assert_array_equal(bent[:, PLACE], plain[:, PLACE])
    larger = np.ptp(poses(Nuance(size=2.0))[:, PLACE], axis=0)
    np.testing.assert_allclose(larger, 2 * np.ptp(plain[:, PLACE], axis=0))
