import numpy as np
import pytest

from signtalk.landmarks.clip import PARTS
from signtalk.landmarks.features import FeatureConfig, extract_features
from signtalk.synthetic import endless
from signtalk.synthetic.drawn_signs import PHONOLOGY, phonology
from signtalk.synthetic.endless import NO_SIGN, EndlessConfig, draw_group, draw_signs
from signtalk.synthetic.lexicon import substitutions

CONFIG = EndlessConfig(seed=3, people=3)


def test_the_same_seed_and_number_give_the_same_clips_in_any_order() -> None:
    later, earlier = draw_group(CONFIG, 5), draw_group(CONFIG, 4)
    again = draw_group(CONFIG, 5)
    for one, other in zip(later, again, strict=True):
        np.testing.assert_array_equal(one.clip.landmarks, other.clip.landmarks)
        np.testing.assert_array_equal(one.phonology, other.phonology)
    assert not any(np.array_equal(one.clip.landmarks, earlier[0].clip.landmarks) for one in later)


def test_another_seed_signs_something_else() -> None:
    assert draw_signs(0, 0) != draw_signs(1, 0)


def test_an_odd_group_signs_nearly_what_the_even_one_before_it_signs_and_never_the_same() -> None:
    for pair in range(0, 2000, 2):
        first, second = draw_signs(CONFIG.seed, pair), draw_signs(CONFIG.seed, pair + 1)
        assert len(first) == len(second)
        assert first != second
        other_order = sorted(first, key=repr) == sorted(second, key=repr)
        assert other_order or sum(a != b for a, b in zip(first, second, strict=True)) == 1


def test_where_bodies_alone_are_found_most_clips_show_no_hands_and_neighbours_the_same_handshapes() -> None:
    config = CONFIG.model_copy(update={"trackers": "body"})
    clips = [each.clip for number in range(10) for each in draw_group(config, number)]
    without = sum(bool(np.isnan(clip.landmarks[:, PARTS["right_hand"]]).all()) for clip in clips)
    assert 0.5 < without / len(clips) < 1
    for pair in range(0, 200, 2):
        first, second = (draw_signs(config.seed, number, "body") for number in (pair, pair + 1))
        assert sorted(sign.start for sign in first) == sorted(sign.start for sign in second)


@pytest.mark.parametrize("number", range(12))
def test_a_group_is_signed_by_different_people_and_each_clip_can_be_read(number: int) -> None:
    drawn = draw_group(CONFIG, number)
    assert len(drawn) == CONFIG.people
    shapes = {each.clip.landmarks.shape for each in drawn} | {each.clip.fps for each in drawn}
    assert len(shapes) > 1
    for each in drawn:
        assert each.clip.num_frames == len(each.phonology) >= 4
        features = extract_features(each.clip, FeatureConfig(num_frames=16, use_hand_angles=True))
        assert np.isfinite(features.features).all()


def test_frames_tell_the_parameters_of_the_sign_that_they_belong_to() -> None:
    numbers = [number for number in range(40) if len(draw_signs(CONFIG.seed, number)) == 1]
    for number in numbers[:10]:
        (sign,) = draw_signs(CONFIG.seed, number)
        for each in draw_group(CONFIG, number):
            signing = each.phonology[:, 0] != NO_SIGN
            assert signing.any()
            told = {tuple(row) for row in each.phonology[signing].tolist()}
            own_way = len(told) == 1 and sum(a != b for a, b in zip(*told, phonology(sign), strict=True)) <= 2
            assert told == {phonology(sign)} or own_way
            assert (each.phonology[~signing] == NO_SIGN).all()
    assert each.phonology.shape[1] == len(PHONOLOGY)


def test_frames_tell_the_own_way_of_who_makes_a_sign_in_another_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endless, "_OWN_WAY", 1.0)
    number = next(
        number
        for number in range(40)
        if len(signs := draw_signs(CONFIG.seed, number)) == 1 and signs[0].hands != "base"
    )
    (sign,) = draw_signs(CONFIG.seed, number)
    ways = {phonology(way) for way in substitutions(sign)}
    for each in draw_group(CONFIG, number):
        told = {tuple(row) for row in each.phonology[each.phonology[:, 0] != NO_SIGN].tolist()}
        assert told and told <= ways - {phonology(sign)}


def test_hands_are_flatter_than_they_are() -> None:
    depths = []
    for number in range(10):
        for each in draw_group(CONFIG, number):
            hand = each.clip.landmarks[:, PARTS["right_hand"]]
            seen = hand[~np.isnan(hand[:, 0, 0])]
            if len(seen):
                depths.append(
                    float(np.median(np.ptp(seen[..., 2], axis=1) / np.ptp(seen[..., :2], axis=1).max(axis=-1)))
                )
    assert np.median(depths) < 0.6


def test_most_clips_do_not_tell_their_pictures_shape() -> None:
    shapes = [each.clip.aspect for number in range(30) for each in draw_group(CONFIG, number)]
    assert 0.6 < sum(shape is None for shape in shapes) / len(shapes) < 0.9
