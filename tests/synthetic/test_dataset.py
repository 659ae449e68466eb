import json
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from signtalk.data.manifest import clip_of_record, load_manifest
from signtalk.errors import DataError
from signtalk.landmarks.clip import FACE_PAIRS, HOLISTIC, PARTS
from signtalk.landmarks.features import motion_energy
from signtalk.synthetic.dataset import (
    SETTINGS_NAME,
    SyntheticConfig,
    generate_clips,
    plan_clips,
    render_clip,
    write_dataset,
)

CONFIG = SyntheticConfig(num_sentences=10, num_signers=3, num_idle=4)


def test_a_clip_depends_on_its_plan_alone() -> None:
    plans = plan_clips(CONFIG)
    in_order = {clip.clip_id: clip.clip.landmarks for clip in islice(generate_clips(CONFIG), 6)}
    for plan in reversed(plans[:6]):
        np.testing.assert_array_equal(render_clip(CONFIG, plan).clip.landmarks, in_order[plan.clip_id])
    other = render_clip(SyntheticConfig(num_sentences=10, num_signers=3, num_idle=4, seed=1), plans[0])
    assert other.clip.landmarks.shape != in_order[plans[0].clip_id].shape or not np.array_equal(
        other.clip.landmarks, in_order[plans[0].clip_id], equal_nan=True
    )


def test_clips_are_signed_as_in_the_contract() -> None:
    clips = list(generate_clips(CONFIG))
    signed = [clip for clip in clips if not clip.is_idle]
    per_sentence = [sum(c.sentence_id == i for c in signed) for i in {c.sentence_id for c in signed}]
    assert set(per_sentence) <= {2, 3}
    assert len(clips) - len(signed) == 4
    for clip in signed:
        assert clip.clip_id == f"{clip.sentence_id}{clip.signer_id}"
        assert 3 <= len(clip.variations) <= 6
        assert clip.variations[0] == clip.sentence


def test_parts_go_missing_as_a_whole_and_legs_are_never_seen() -> None:
    for recording in islice(generate_clips(CONFIG), 8):
        points = recording.clip.landmarks
        for part in ("left_hand", "right_hand", "face"):
            missing = np.isnan(points[:, PARTS[part], 0])
            assert (missing.all(axis=1) | ~missing.any(axis=1)).all()
        assert np.isnan(points[:, HOLISTIC.index["left_knee"]]).all()


def test_idle_moves_less_than_signing() -> None:
    clips = list(generate_clips(CONFIG))
    idle = [motion_energy(clip.clip) for clip in clips if clip.is_idle]
    signing = [motion_energy(clip.clip) for clip in clips if not clip.is_idle]
    assert np.mean(idle) < 0.5 * np.mean(signing)
    assert 0.2 < np.median(signing) < 10


def test_without_differences_everybody_is_one_person() -> None:
    config = SyntheticConfig(num_sentences=6, num_signers=3, num_idle=0, difficulty=0.0, detector_errors=0.0)
    left, right = HOLISTIC.index["left_shoulder"], HOLISTIC.index["right_shoulder"]
    points = [recording.clip.landmarks for recording in generate_clips(config)]
    widths = [np.nanmedian(np.abs(seen[:, left, 0] - seen[:, right, 0])) for seen in points]
    assert np.ptp(widths) < 0.01


def test_faces_are_symmetric_enough_to_be_mirrored() -> None:
    config = SyntheticConfig(num_sentences=3, num_signers=1, num_idle=0, difficulty=0.0, detector_errors=0.0,
                             clips_per_sentence=(1, 1))  # fmt: skip
    points = next(iter(generate_clips(config))).clip.landmarks
    nose = points[:, HOLISTIC.index["face_5"], 0]
    for left, right in FACE_PAIRS:
        a, b = points[:, HOLISTIC.index[f"face_{left}"], 0], points[:, HOLISTIC.index[f"face_{right}"], 0]
        assert np.nanmedian(np.abs((a - nose) + (b - nose))) < 0.03


@pytest.mark.parametrize("form", ["clips", "prototype"])
def test_a_data_set_is_written_resumed_and_read(form: str, tmp_path: Path) -> None:
    small = SyntheticConfig(num_sentences=3, num_signers=2, num_idle=1, clips_per_sentence=(2, 2))
    write_dataset(tmp_path, small, form)
    manifest = load_manifest(tmp_path, strict=True)
    assert len(manifest.records) == 7
    clip = clip_of_record(manifest.records[0])
    assert clip.num_frames == manifest.records[0].num_frames
    assert (clip.prototype_rows is not None) == (form == "prototype")
    kept = manifest.records[1].feature_path.stat().st_mtime_ns
    manifest.records[0].feature_path.unlink()
    write_dataset(tmp_path, small, form)
    assert manifest.records[1].feature_path.stat().st_mtime_ns == kept
    assert load_manifest(tmp_path, strict=True).records == manifest.records
    with pytest.raises(DataError):
        write_dataset(tmp_path, SyntheticConfig(num_sentences=4, num_signers=2, clips_per_sentence=(2, 2)), form)


def test_settings_that_do_not_fit_are_refused() -> None:
    for wrong in ({"num_sentences": 10_000}, {"clips_per_sentence": (3, 2)}, {"num_signers": 2}):
        with pytest.raises(ValidationError):
            SyntheticConfig(**wrong)


def test_a_language_of_any_size_is_drawn_and_signed_by_the_same_people() -> None:
    config = SyntheticConfig(num_sentences=400, drawn_signs=60, num_signers=3, num_idle=0, seed=5)
    plans = plan_clips(config)
    assert len({plan.sentence.sentence_id for plan in plans}) == 400
    smaller = plan_clips(config.model_copy(update={"num_sentences": 100}))
    assert plans[: len(smaller)] == smaller
    first, again = render_clip(config, plans[0]), render_clip(config, plans[0])
    np.testing.assert_array_equal(first.clip.landmarks, again.clip.landmarks)
    assert first.glosses == plans[0].sentence.glosses and first.sentence == plans[0].sentence.variations[0]
    with pytest.raises(ValueError, match="drawn_signs 5; expected 0 or 20"):
        SyntheticConfig(drawn_signs=5)


def test_a_folder_made_before_a_setting_came_goes_on(tmp_path: Path) -> None:
    config = SyntheticConfig(num_sentences=1, num_signers=2, clips_per_sentence=(1, 1), num_idle=0)
    write_dataset(tmp_path, config)
    settings = json.loads((tmp_path / SETTINGS_NAME).read_text())
    del settings["drawn_signs"]
    (tmp_path / SETTINGS_NAME).write_text(json.dumps(settings))
    write_dataset(tmp_path, config)
    with pytest.raises(DataError, match=r"other settings \(drawn_signs\)"):
        write_dataset(tmp_path, config.model_copy(update={"drawn_signs": 20}))
