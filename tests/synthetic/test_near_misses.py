import numpy as np
import pytest

from signtalk.errors import ArtifactError
from signtalk.landmarks.clip import LandmarkClip
from signtalk.synthetic.dataset import SyntheticConfig, plan_clips, read_settings, render_clip, write_dataset
from signtalk.synthetic.lexicon import one_sign_apart, parameters, sentences, signs, variants
from signtalk.synthetic.near_misses import foreign_signs, one_sign_exchanged, sign_anything, two_signs_exchanged

CONFIG = SyntheticConfig(num_sentences=2, num_signers=2, clips_per_sentence=(1, 1), num_idle=0)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_a_near_miss_is_one_sign_away_and_not_known() -> None:
    known = {sentence.glosses for sentence in sentences()}
    for sentence in sentences()[:50]:
        near = one_sign_exchanged(sentence.glosses, tuple(signs()), known, rng())
        assert near is not None and near not in known
        assert one_sign_apart(near, sentence.glosses) and len(near) == len(sentence.glosses)


def test_all_near_misses_known_is_none() -> None:
    assert one_sign_exchanged(("I", "PAIN"), ("I", "PAIN", "GO"), {("GO", "PAIN"), ("I", "GO")}, rng()) is None
    assert one_sign_exchanged(("I", "PAIN"), ("I", "PAIN", "GO"), {("GO", "PAIN")}, rng()) == ("I", "GO")


def test_another_order_has_the_same_signs() -> None:
    near = two_signs_exchanged(("A", "B", "C"), {("B", "A", "C"), ("C", "B", "A")}, rng())
    assert near == ("A", "C", "B")
    assert two_signs_exchanged(("A", "B"), {("B", "A")}, rng()) is None
    assert two_signs_exchanged(("A",), (), rng()) is None
    assert two_signs_exchanged(("A", "A"), (), rng()) is None


def test_the_other_language_has_none_of_our_signs() -> None:
    ours = {parameters(sign) for sign in signs().values()}
    foreign = foreign_signs(1)
    assert list(foreign) == list(signs())
    assert ours.isdisjoint(parameters(sign) for sign in foreign.values())
    assert all((sign.hands, sign.location) == (signs()[g].hands, signs()[g].location) for g, sign in foreign.items())
    # The parts are ours: as many of each handshape, movement and face as before.
    for name in ("start", "orientation", "movement", "face"):
        assert sorted(getattr(sign, name) for sign in foreign.values()) == sorted(
            getattr(sign, name) for sign in signs().values()
        )
    assert foreign_signs(2) != foreign
    assert len(variants()) == len(foreign)


def test_told_to_sign_a_sentence_a_person_signs_it_as_in_the_data() -> None:
    plan = plan_clips(CONFIG)[0]
    clip = sign_anything(CONFIG, "clips", plan.signer_id, plan.clip_id, plan.sentence.glosses)
    np.testing.assert_array_equal(clip.landmarks, render_clip(CONFIG, plan).clip.landmarks)
    other = sign_anything(CONFIG, "clips", plan.signer_id, plan.clip_id, plan.sentence.glosses, language=1)
    assert isinstance(other, LandmarkClip)
    assert other.landmarks.shape != clip.landmarks.shape or not np.array_equal(
        other.landmarks, clip.landmarks, equal_nan=True
    )


def test_a_folder_of_prototype_files_gets_clips_of_such_files() -> None:
    plan = plan_clips(CONFIG)[0]
    clip = sign_anything(CONFIG, "prototype", plan.signer_id, "x1A", plan.sentence.glosses)
    assert clip.prototype_rows is not None and clip.prototype_rows.shape == (clip.num_frames, 540)


@pytest.mark.parametrize("form", ["clips", "prototype"])
def test_settings_are_read_as_they_were_written(tmp_path, form) -> None:
    assert read_settings(tmp_path) is None
    write_dataset(tmp_path / "data", CONFIG, form)
    assert read_settings(tmp_path / "data") == (CONFIG, form)


@pytest.mark.parametrize("content", ["[]", "{}", '{"form": "clips", "num_sentences": -1}', "no JSON"])
def test_damaged_settings_are_told(tmp_path, content) -> None:
    (tmp_path / "synthetic.json").write_text(content)
    with pytest.raises(ArtifactError, match=r"synthetic\.json"):
        read_settings(tmp_path)
