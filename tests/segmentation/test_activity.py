"""Features and probability of signing against a plain loop in floats, and what must not change them."""

import math
from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from made.clips import made_clip, resting, waving
from signtalk.landmarks.clip import HOLISTIC, PARTS, LandmarkClip, regular_timestamps
from signtalk.segmentation.activity import (
    FEATURE_NAMES,
    ActivityFeatures,
    ActivityModel,
    ActivityTracker,
    clip_activity,
    clip_features,
    probabilities,
)
from signtalk.segmentation.segmenter import shipped_settings
from signtalk.segmentation.streams import StreamPlan, disturbed, make_stream

MODEL = shipped_settings().model
NAN = float("nan")


def stream_clip(fps=25.0, **plan):
    """A made-up stream of two sentences with lost hands and uneven frames."""
    made = make_stream(3, 1, StreamPlan(num_sentences=2, fps=fps, **plan))
    return disturbed(made, np.random.default_rng(0), uneven=0.4, lost_hands=0.5).clip


class Follower:
    """One hand of the oracle: wrist and five fingertips as plain floats, from docs/segmentation.md alone."""

    def __init__(self):
        self.fast = self.slow = self.rest = None
        self.unseen = math.inf
        self.tips_fast = self.tips_slow = self.tips_rest = None
        self.quick = self.long = self.fingers = self.seen = self.shape = 0.0
        self.velocity = (0.0, 0.0)

    def wrist(self, at, dt):
        if at is not None and self.unseen > 0.5:
            self.fast, self.slow = at, at
            self.rest = self.rest or at
        self.unseen = 0.0 if at is not None else self.unseen + dt
        if self.fast is None:
            return
        gone = self.unseen > 0.5
        towards = at or (self.rest if gone else self.fast)
        self.fast = ease(self.fast, towards, dt, 0.08)
        self.slow = ease(self.slow, self.fast if gone else towards, dt, 0.3)
        self.velocity = tuple((f - s) / 0.22 for f, s in zip(self.fast, self.slow, strict=True))
        speed = math.hypot(*self.velocity)
        still = min(max(1 - speed / 0.5, 0), 1)
        weight = still * gain(dt, 0.5 if self.fast[1] > self.rest[1] else 4.0)
        self.rest = tuple(r + weight * (f - r) for r, f in zip(self.rest, self.fast, strict=True))

    def tips(self, tips, dt):
        """Before `quick` takes in this frame, as the module does."""
        speed = 0.0
        if tips is None:
            self.tips_fast = None
        else:
            if self.tips_fast is None:
                self.tips_fast, self.tips_slow = tips, tips
            self.tips_fast = [ease(f, t, dt, 0.08) for f, t in zip(self.tips_fast, tips, strict=True)]
            self.tips_slow = [ease(s, t, dt, 0.3) for s, t in zip(self.tips_slow, tips, strict=True)]
            pairs = zip(self.tips_fast, self.tips_slow, strict=True)
            speed = sum(math.dist(f, s) / 0.22 for f, s in pairs) / 5
        self.fingers += gain(dt, 0.3) * (speed - self.fingers)
        self.shape = 0.0
        if tips is not None:
            self.tips_rest = self.tips_rest or tips
            weight = min(max(1 - (speed + self.quick) / 0.5, 0), 1) * gain(dt, 4.0)
            pairs = list(zip(self.tips_rest, self.tips_fast, strict=True))
            self.tips_rest = [tuple(a + weight * (b - a) for a, b in zip(r, f, strict=True)) for r, f in pairs]
            pairs = zip(self.tips_fast, self.tips_rest, strict=True)
            self.shape = sum(math.dist(f, r) for f, r in pairs) / 5
        speed = math.hypot(*self.velocity)
        self.quick += gain(dt, 0.2) * (speed - self.quick)
        self.long += gain(dt, 1.0) * (speed - self.long)
        self.seen += gain(dt, 0.3) * ((tips is not None) - self.seen)


def gain(dt, constant):
    return 1 - math.exp(-dt / constant)


def ease(old, new, dt, constant):
    return tuple(o + gain(dt, constant) * (n - o) for o, n in zip(old, new, strict=True))


def oracle(clip, aspect):
    """(T, 16) features; zeros before the shoulders are seen."""
    hands, width, centre, raised, before, rows = [Follower(), Follower()], None, None, 0.0, None, []
    for frame, time in zip(clip.landmarks.astype(float), clip.timestamps_s.tolist(), strict=True):
        dt = 0.0 if before is None else time - before
        before = time

        def point(name, frame=frame):
            x, y = frame[HOLISTIC.index[name], :2].tolist()
            return None if math.isnan(x) else (x * aspect, y)

        left, right = point("left_shoulder"), point("right_shoulder")
        if left and right and math.dist(left, right) > 1e-3:
            now = math.dist(left, right)
            width = now if width is None else width + gain(dt, 1.0) * (now - width)
            centre = ((left[0] + right[0]) / 2, (left[1] + right[1]) / 2)
        if width is None:
            rows.append([0.0] * 16)
            continue
        for hand, side in zip(hands, ("left", "right"), strict=True):
            at = point(f"{side}_wrist") or point(f"{side}_hand_wrist")
            hand.wrist(at and tuple(min(max((a - c) / width, -2.3), 2.3) for a, c in zip(at, centre, strict=True)), dt)
            origin = point(f"{side}_hand_wrist")
            tips = [point(f"{side}_hand_{tip}_tip") for tip in ("thumb", "index", "middle", "ring", "pinky")]
            whole = origin and all(tips)
            hand.tips(
                [tuple((a - o) / width for a, o in zip(tip, origin, strict=True)) for tip in tips] if whole else None,
                dt,
            )
        places = [hand.fast or (x, 2.0) for hand, x in zip(hands, (0.4, -0.4), strict=True)]
        rises = [math.dist(hand.fast, hand.rest) if hand.fast else 0.0 for hand in hands]
        raised = min(raised + dt, 4.0) if max(rises) > 0.4 else 0.0
        up = 1 if places[1][1] < places[0][1] else 0
        pair = [(max(each), min(each)) for each in ([getattr(h, n) for h in hands] for n in ("quick", "long", "seen"))]
        quick, long, seen = pair
        rows.append([
            places[up][1], places[1 - up][1], max(rises), min(rises), *map(math.log1p, (*quick, *long)),
            hands[up].velocity[1], math.log1p(max(h.fingers for h in hands)), *seen, math.dist(*places),
            abs(places[up][0]), raised, max(h.shape for h in hands),
        ])  # fmt: skip
    return np.array(rows)


@pytest.mark.parametrize("kind", ["stream", "late shoulders", "one hand never", "no hands"])
def test_features_equal_the_plain_loop(kind) -> None:
    clip = stream_clip()
    points = clip.landmarks.copy()
    if kind == "late shoulders":
        points[:9, HOLISTIC.index["left_shoulder"]] = NAN
        points[40:60, HOLISTIC.index["right_shoulder"]] = NAN
    if kind == "one hand never":
        points[:, [HOLISTIC.index["left_wrist"], *range(33, 54)]] = NAN
        points[60:90, HOLISTIC.index["right_wrist"]] = NAN
        points[70:120, PARTS["right_hand"]] = NAN
    if kind == "no hands":
        points[:, 33:75] = NAN
        points[30:50, HOLISTIC.index["right_wrist"]] = NAN  # for 0.8 s: held, then taken to rest
    clip = replace(clip, landmarks=points)
    rows = clip_features(clip)
    np.testing.assert_allclose(rows, oracle(clip, clip.aspect or 1.0), atol=1e-9)
    assert rows[:9].any() == (kind != "late shoulders")


def test_probabilities_equal_the_plain_formula() -> None:
    rows = np.random.default_rng(0).normal(0, 3, (20, 16))
    expected = []
    for row in rows.tolist():
        inputs = [min(max((x - m) / s, -4), 4) for x, m, s in zip(row, MODEL.mean, MODEL.spread, strict=True)]
        units = [
            math.tanh(sum(w * x for w, x in zip(weights, inputs, strict=True)) + bias)
            for weights, bias in zip(MODEL.hidden, MODEL.hidden_bias, strict=True)
        ]
        logit = sum(w * u for w, u in zip(MODEL.output, units, strict=True)) + MODEL.output_bias
        expected.append(1 / (1 + math.exp(-logit)))
    np.testing.assert_allclose(probabilities(MODEL, rows), expected, atol=1e-12)


def test_extreme_features_give_probabilities() -> None:
    loud = MODEL.model_copy(update={"output": tuple(1e6 for _ in MODEL.output)})
    extremes = probabilities(loud, np.array([np.full(16, 1e9), np.full(16, -1e9)]))
    assert ((extremes >= 0) & (extremes <= 1)).all()


def test_place_and_size_in_the_picture_do_not_matter() -> None:
    clip = stream_clip()
    features, moved = ActivityFeatures(1.0), ActivityFeatures(1.0)
    for frame, time in zip(clip.landmarks.astype(np.float64), clip.timestamps_s.tolist(), strict=True):
        first, second = features.push(frame, time), moved.push(frame * 0.4 + [0.3, -0.2, 0], time + 100)
        assert first is not None
        assert second is not None
        np.testing.assert_allclose(first, second, atol=1e-9)


def test_an_aspect_is_the_same_as_wider_coordinates() -> None:
    clip = stream_clip()
    wide = replace(clip, landmarks=clip.landmarks * np.float32([2, 1, 1]), aspect=0.5)
    np.testing.assert_allclose(clip_features(wide), clip_features(replace(clip, aspect=1.0)), atol=1e-9)


def test_a_mirrored_person_signs_as_much() -> None:
    clip = stream_clip()
    mirrored = clip.landmarks[:, HOLISTIC.mirror].copy()
    mirrored[..., 0] = -mirrored[..., 0]
    np.testing.assert_allclose(clip_features(clip), clip_features(replace(clip, landmarks=mirrored)), atol=1e-6)


def test_half_the_frames_give_nearly_the_same() -> None:
    stream = make_stream(3, 1, StreamPlan(num_sentences=2, fps=50.0)).clip
    half = LandmarkClip(stream.landmarks[::2], stream.visibility[::2], stream.timestamps_s[::2], stream.aspect)
    all_frames, every_other = (probabilities(MODEL, clip_features(clip)) for clip in (stream, half))
    apart = np.abs(all_frames[::2] - every_other)
    assert apart.mean() < 0.02
    assert (apart > 0.2).mean() < 0.02
    assert (np.abs(all_frames - all_frames.mean())).mean() > 0.2  # what they agree on is no constant


def test_signing_is_told_from_rest() -> None:
    signing = made_clip(waving(90, "left"), waving(90, "right"))
    still = made_clip(resting(90, "left"), resting(90, "right"))
    assert clip_activity(still, MODEL).mean < 0.1
    begins_at_rest = np.concatenate([resting(60, "right"), waving(90, "right")])
    follows = made_clip(resting(150, "left"), begins_at_rest)
    found = probabilities(MODEL, clip_features(follows))
    assert found[75:].mean() > 5 * found[:60].mean()
    assert clip_activity(signing, MODEL).mean > clip_activity(still, MODEL).mean


def test_no_frame_and_no_shoulders_are_no_signing() -> None:
    clip = made_clip(waving(30, "left"), waving(30, "right"))
    none = LandmarkClip(clip.landmarks[:0], clip.visibility[:0], clip.timestamps_s[:0])
    assert clip_features(none).shape == (0, 16)
    nothing = clip_activity(none, MODEL)
    assert (nothing.seconds, nothing.share, nothing.mean) == (0, 0, 0)
    points = clip.landmarks.copy()
    points[:, HOLISTIC.index["left_shoulder"]] = NAN
    assert clip_activity(replace(clip, landmarks=points), MODEL) == nothing
    assert clip_activity(replace(clip, landmarks=np.full_like(points, NAN)), MODEL) == nothing


def test_shoulders_that_coincide_are_not_seen() -> None:
    points = made_clip(waving(1, "left"), waving(1, "right")).landmarks[0]
    points[HOLISTIC.index["left_shoulder"]] = points[HOLISTIC.index["right_shoulder"]]
    assert ActivityFeatures().push(points, 0.0) is None


def test_one_frame_has_features() -> None:
    clip = made_clip(waving(1, "left"), waving(1, "right"))
    row = ActivityFeatures().push(clip.landmarks[0], 5.0)
    assert row is not None
    assert np.isfinite(row).all()
    assert row[FEATURE_NAMES.index("quick_speed")] == 0
    assert clip_activity(clip, MODEL).mean == pytest.approx(float(probabilities(MODEL, row[None])[0]))


def test_an_infinite_point_is_a_missing_one() -> None:
    clip = stream_clip()
    wrist = HOLISTIC.index["left_wrist"]
    bad, missing = clip.landmarks.copy(), clip.landmarks.copy()
    bad[20:30, wrist], missing[20:30, wrist] = np.inf, NAN
    np.testing.assert_array_equal(
        clip_features(replace(clip, landmarks=bad)), clip_features(replace(clip, landmarks=missing))
    )


def test_a_long_gap_in_time_leaves_numbers() -> None:
    clip = made_clip(waving(60, "left"), waving(60, "right"))
    times = clip.timestamps_s + np.where(np.arange(60) >= 30, 1e6, 0)
    rows = clip_features(replace(clip, timestamps_s=times))
    assert np.isfinite(rows).all()
    assert rows[30, FEATURE_NAMES.index("quick_speed")] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("time", [1.0, 0.5, NAN, math.inf, -math.inf])
def test_times_must_increase(time) -> None:
    tracker = ActivityTracker(MODEL)
    frame = made_clip(waving(1, "left"), waving(1, "right")).landmarks[0]
    before = tracker.push(frame, 1.0)
    with pytest.raises(ValueError, match="times must increase"):
        tracker.push(frame, time)
    assert tracker.push(frame, 1.0 + 1e-9) == pytest.approx(before, abs=1e-3)  # a refused frame leaves no trace


@pytest.mark.parametrize("shape", [(168, 3), (169,), (169, 1), (1, 169, 3)])
def test_a_frame_of_another_shape_is_refused(shape) -> None:
    with pytest.raises(ValueError, match="a frame of shape"):
        ActivityFeatures().push(np.zeros(shape), 0.0)


def test_activity_of_a_clip_weighs_frames_by_their_time() -> None:
    clip = stream_clip()
    lasts = np.append(np.diff(clip.timestamps_s), clip.duration_s / clip.num_frames)
    signing, whole = probabilities(MODEL, clip_features(clip)), clip_activity(clip, MODEL)
    assert whole.mean == pytest.approx((signing * lasts).sum() / lasts.sum())
    assert whole.seconds == pytest.approx(lasts[signing >= 0.5].sum())
    assert whole.share == pytest.approx(whole.seconds / lasts.sum())


@pytest.mark.parametrize(
    "change",
    [
        {"feature_names": (*FEATURE_NAMES[:-1], "other")},
        {"mean": (0.0,) * 15},
        {"spread": (0.0,) * 16},
        {"hidden": ((0.0,) * 15,) * 16},
        {"hidden": (), "hidden_bias": (), "output": ()},
        {"output": (1.0,)},
        {"output_bias": NAN},
        {"extra": 1},
    ],
)
def test_weights_that_do_not_fit_are_refused(change) -> None:
    with pytest.raises(ValidationError):
        ActivityModel.model_validate(MODEL.model_dump() | change)


def test_regular_times_are_what_the_streams_have() -> None:
    clip = make_stream(3, 0, StreamPlan(num_sentences=1)).clip
    np.testing.assert_array_equal(clip.timestamps_s, regular_timestamps(clip.num_frames, 25.0))
