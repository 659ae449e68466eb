import numpy as np
import pytest

from signtalk.extraction.landmarker import PersonBox
from signtalk.extraction.people import choose_signer


def person(x, y=0.2, size=0.3, wrist=0.0):
    box = np.array([x - size / 2, y, x + size / 2, y + 1.5 * size], dtype=np.float32)
    wrists = np.array([[x, y + size], [x, y + size - wrist]], dtype=np.float32)
    return PersonBox(box, wrists)


def covers(choice, x):
    return choice.crop[0] <= x <= choice.crop[2]


def test_one_person_needs_no_choice():
    choice = choose_signer([[person(0.3)], [], [person(0.7)]])
    assert choice.num_people == 1 and choice.crop is None
    assert choose_signer([]).num_people == 0


def test_the_larger_person_signs():
    choice = choose_signer([[person(0.3, size=0.15), person(0.7, size=0.3)]] * 3)
    assert choice.num_people == 2 and covers(choice, 0.7) and not covers(choice, 0.3)


def test_the_more_central_person_signs():
    choice = choose_signer([[person(0.5), person(0.9)]] * 3)
    assert covers(choice, 0.5) and not covers(choice, 0.9)


@pytest.mark.parametrize("mover", [0.3, 0.7])
def test_the_moving_person_signs(mover):
    samples = [[person(x, wrist=0.3 * (t % 2) * (x == mover)) for x in (0.3, 0.7)] for t in range(6)]
    choice = choose_signer(samples)
    assert covers(choice, mover) and not covers(choice, 1 - mover)


def test_who_is_there_longer_signs():
    samples = [[person(0.3)]] * 8 + [[person(0.3), person(0.7)]]
    assert covers(choose_signer(samples), 0.3)


def test_the_crop_has_room_and_stays_inside_the_image():
    choice = choose_signer([[person(0.1, y=0.02), person(0.8, size=0.1)]] * 2)
    assert choice.crop[0] == 0 and choice.crop[1] == 0 and choice.crop[3] == 1
    assert 0.25 < choice.crop[2] < 0.75
