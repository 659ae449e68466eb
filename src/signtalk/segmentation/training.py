"""Streams for a fit, of as many kinds as there are cameras and habits.

made-up people --training_streams--> LabelledStreams
recorded signs and rests of a person --varied_streams--> LabelledStreams

Varied are longer and shorter, quicker and slower, with one hand, at 4 to 50 pictures a second, with hands lost and
pictures dropped, begun or ended within a sentence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from signtalk.landmarks.clip import LandmarkClip
from signtalk.segmentation.rests import hanging_rest, lying_rest, with_a_resting_hand, with_fidgets
from signtalk.segmentation.streams import (
    LabelledStream,
    Recorded,
    StreamPlan,
    cut_stream,
    disturbed,
    join_clips,
    joined_signs,
    make_stream,
    sentence_clips,
    thinned,
)
from signtalk.synthetic.signers import SIGNER_LETTERS, generator

_MADE_UP_FPS = (8.0, 12.0, 18.0, 25.0, 30.0, 50.0)
_THINNED_FPS, _THINNED_STEP = 18.0, 4
"""Streams of this rate are seen at a fourth of it."""
_SLOWEST_FPS, _FASTEST_FPS = 4.0, 50.0
_TEMPO = (0.7, 1.4)
"""How much longer or shorter a recording is taken to have lasted: few sources tell their frame rate."""
_ASPECTS = (0.75, 1.5)
"""What a picture of unknown shape may be, width over height."""
_ONE_HANDED, _SINGLE, _FIDGETS = 0.35, 0.5, 0.5
"""Parts of the streams, of the sentences, and of the days of made rests."""
_PAUSES_S = (0.5, 4.0)
_EASE_S = (0.25, 0.6)
_MOST_SENTENCES, _MOST_SIGNS = 6, 5
_LONGEST_S = 15.0
"""Of the signs of a sentence, before tempo: a segmenter cuts after half a minute."""
_REST_S = 20.0
_FIDGETS_S = 30.0
_RESTS_ALONE = 8
"""Every so many streams is rest alone."""


def training_streams(seed: int, count: int) -> Iterator[LabelledStream]:
    """Made-up streams for a fit, of as many kinds as there are cameras and habits; every fifth has another person.

    Every sixth is rest alone; a third are clips joined as recorded ones are; in some hands are lost, never tracked, or
    the watching begins within a sentence.
    """
    for number in range(count):
        rng = generator(seed, "training", number)
        rests = number % 6 == 0
        plan = StreamPlan(
            num_sentences=0 if rests else 5,
            fps=float(rng.choice(_MADE_UP_FPS)),
            pauses_s=(20.0, 20.1) if rests else (0.5, 4.0),
            vary=bool(rng.random() < 0.7),
            holds=float(rng.choice((0.0, 0.2, 0.4))),
            single=float(rng.choice((0.0, 0.3, 1.0))),
            one_handed=bool(rng.random() < 0.4),
        )
        stream = make_stream(seed + number // len(SIGNER_LETTERS), number, plan)
        if not rests and number % 3 == 1:
            clips = sentence_clips(stream)
            pauses = rng.uniform(*plan.pauses_s, size=len(clips) + 1)
            beside = [clips[max(i - 1, 0)] for i in range(len(pauses))]
            hanging = [hanging_rest(clip, float(pause), rng) for clip, pause in zip(beside, pauses, strict=True)]
            stream = join_clips(clips, hanging, pauses.tolist(), plan.fps, signer_id=stream.signer_id)
        if plan.fps == _THINNED_FPS:
            stream = thinned(stream, _THINNED_STEP)
        kind = rng.integers(3)
        stream = disturbed(stream, rng, 0.5, lost_hands=0.15 * (kind == 1), without_hands=bool(kind == 2))
        yield cut_stream(stream, float(rng.uniform(0, 8))) if rng.random() < 0.25 else stream


def resting_streams(seed: int, count: int) -> Iterator[LabelledStream]:
    """Made-up people who rest and fidget for half a minute: what is most like signing and is none."""
    for number in range(count):
        rng = generator(seed, "resting", number)
        plan = StreamPlan(
            num_sentences=0,
            fps=float(rng.choice(_MADE_UP_FPS)),
            pauses_s=(_FIDGETS_S, _FIDGETS_S + 0.1),
            vary=bool(rng.random() < 0.7),
        )
        stream = make_stream(seed + number // len(SIGNER_LETTERS), number, plan)
        if plan.fps == _THINNED_FPS:
            stream = thinned(stream, _THINNED_STEP)
        kind = rng.integers(3)
        yield disturbed(stream, rng, 0.5, lost_hands=0.15 * (kind == 1), without_hands=bool(kind == 2))


def varied_streams(recorded: Recorded, seed: int, count: int) -> Iterator[LabelledStream]:
    """Streams of one person's signs, each as another camera would see another day of theirs.

    Half of the sentences are a single sign, the others are 2 to 5 signs. Every eighth stream is rest alone.

    Args:
        recorded: the person's clips, of single signs best; their rests, if there are any, are used half of the time.
        seed: of the choice.
        count: of streams.
    """
    for number in range(count):
        rng = generator(seed, "varied", recorded.signer_id, number)
        fps = float(np.exp(rng.uniform(np.log(_SLOWEST_FPS), np.log(_FASTEST_FPS))))
        alone = number % _RESTS_ALONE == _RESTS_ALONE - 1
        day = _Day.of(recorded, rng)
        clips = [_sentence(recorded.clips, day, rng) for _ in range(int(rng.integers(1, _MOST_SENTENCES + 1)))]
        pauses = [_REST_S] if alone else rng.uniform(*_PAUSES_S, size=len(clips) + 1).tolist()
        rests = [day.rest(clips[max(i - 1, 0)], pause, rng) for i, pause in enumerate(pauses)]
        ease_s = float(rng.uniform(*_EASE_S))
        stream = join_clips([] if alone else clips, rests, pauses, fps, ease_s, recorded.signer_id)
        yield _seen_by_a_camera(stream, rng)


@dataclass(frozen=True)
class _Day:
    """How a person signs and rests throughout a stream.

    Attributes:
        tempo: seconds for each second of a recording.
        one_handed: the hand that moves less stays at rest.
        hanging: arms hang at rest; otherwise hands lie before the body.
        rest_seed: where exactly.
        fidgets: a hand comes up a little now and then in a made rest.
        recorded_rests: to rest by; made ones where there is none.
    """

    tempo: float
    one_handed: bool
    hanging: bool
    rest_seed: int
    fidgets: bool
    recorded_rests: Sequence[LandmarkClip]

    @classmethod
    def of(cls, recorded: Recorded, rng: np.random.Generator) -> _Day:
        """Any day of this person."""
        return cls(
            tempo=float(rng.uniform(*_TEMPO)),
            one_handed=bool(rng.random() < _ONE_HANDED),
            hanging=bool(rng.random() < 0.5),
            rest_seed=int(rng.integers(2**32)),
            fidgets=bool(rng.random() < _FIDGETS),
            recorded_rests=recorded.rests if rng.random() < 0.5 else (),
        )

    def rest(self, beside: LandmarkClip, pause_s: float, rng: np.random.Generator) -> LandmarkClip:
        """A recorded rest, or one that is made for the clip beside it."""
        if self.recorded_rests:
            return self.recorded_rests[int(rng.integers(len(self.recorded_rests)))]
        rest = self.made_rest(beside, pause_s)
        return with_fidgets(rest, beside, rng) if self.fidgets else rest

    def made_rest(self, beside: LandmarkClip, pause_s: float) -> LandmarkClip:
        """The same all day long."""
        return (hanging_rest if self.hanging else lying_rest)(beside, pause_s, np.random.default_rng(self.rest_seed))


def _sentence(signs: Sequence[LandmarkClip], day: _Day, rng: np.random.Generator) -> LandmarkClip:
    """One sign or a few with short ways between them."""
    num_signs = 1 if rng.random() < _SINGLE else int(rng.integers(2, _MOST_SIGNS + 1))
    chosen = [signs[i] for i in rng.integers(len(signs), size=num_signs)]
    lasts = np.cumsum([clip.duration_s for clip in chosen])
    chosen = chosen[: max(1, int((lasts <= _LONGEST_S).sum()))]
    clip = joined_signs(chosen, float(rng.uniform(0.1, 0.4)))
    start_s = float(clip.timestamps_s[0])
    clip = replace(clip, timestamps_s=start_s + (clip.timestamps_s - start_s) * day.tempo)
    return with_a_resting_hand(clip, day.made_rest(clip, 0.1)) if day.one_handed else clip


def _seen_by_a_camera(stream: LabelledStream, rng: np.random.Generator) -> LabelledStream:
    """Uneven times; wider or narrower pictures, hands lost or never tracked, pictures dropped, ends cut off."""
    if stream.clip.aspect is None:
        aspect = float(rng.uniform(*_ASPECTS)) if rng.random() < 0.5 else None
        stream = replace(stream, clip=replace(stream.clip, aspect=aspect))
    hands = rng.random()
    stream = disturbed(
        stream, rng, 0.5, lost_hands=0.4 * (hands < 0.4), without_hands=bool(hands > 0.85),
        dropped=float(rng.choice((0.0, 0.0, 0.1, 0.3))),
    )  # fmt: skip
    length = stream.clip.duration_s
    start_s = float(rng.uniform(0, min(8.0, length / 2))) if rng.random() < 0.25 else -np.inf
    stop_s = float(rng.uniform(length * 0.6, length)) if rng.random() < 0.25 else np.inf
    return cut_stream(stream, start_s, stop_s)
