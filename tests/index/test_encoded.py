from dataclasses import fields

import numpy as np
import pytest

from signtalk.index.encoded import Encoded, concatenate


def encoded(num_clips=3, num_frames=4, width=2, seed=0):
    rng = np.random.default_rng(seed)
    embeddings = rng.standard_normal((num_clips, 5)).astype(np.float32)
    return Encoded(
        embeddings=embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True),
        projections=rng.standard_normal((num_clips, num_frames, width)).astype(np.float32),
        memory=rng.standard_normal((num_clips, num_frames, 3)).astype(np.float32),
        memory_valid=np.ones((num_clips, num_frames), dtype=np.bool_),
        attention_mean=rng.random(num_clips).astype(np.float32),
        word_log_probs=-rng.random((num_clips, num_frames, 7)).astype(np.float32),
    )


@pytest.mark.parametrize(
    ("rows", "order"), [(np.array([2, 0, 2]), [2, 0, 2]), (np.array([False, True, False]), [1]), (slice(1, 3), [1, 2])]
)
def test_select_takes_the_same_clips_of_every_array(rows, order):
    clips = encoded()
    chosen = clips.select(rows)
    assert chosen.num_clips == len(order)
    for name in ("embeddings", "projections", "memory", "memory_valid", "attention_mean", "word_log_probs"):
        np.testing.assert_array_equal(getattr(chosen, name), getattr(clips, name)[order])


def test_concatenate_keeps_order_and_pads_the_shorter_batch_as_invalid():
    short, long = encoded(2, num_frames=3, seed=1), encoded(1, num_frames=5, seed=2)
    joined = concatenate([short, long])
    assert joined.num_clips == 3
    np.testing.assert_array_equal(joined.embeddings, np.concatenate([short.embeddings, long.embeddings]))
    np.testing.assert_array_equal(joined.projections[:2, :3], short.projections)
    np.testing.assert_array_equal(joined.memory[2], long.memory[0])
    assert not joined.projections[:2, 3:].any()
    np.testing.assert_array_equal(joined.memory_valid, [[1, 1, 1, 0, 0], [1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
    assert joined.memory_valid.dtype == np.bool_
    assert joined.projections.dtype == np.float32


def test_one_batch_concatenates_to_itself():
    clips = encoded()
    np.testing.assert_array_equal(concatenate([clips]).memory, clips.memory)


def test_nothing_to_concatenate_is_an_error():
    with pytest.raises(ValueError, match="give at least one"):
        concatenate([])


def test_batches_of_different_models_do_not_mix():
    with pytest.raises(ValueError, match="different widths"):
        concatenate([encoded(width=2), encoded(width=3)])


def test_outputs_of_a_graph_become_clips_whose_attention_leaves_padding_out():
    rng = np.random.default_rng(0)
    shapes = ((2, 5), (2, 4, 3), (2, 4, 6), (2, 4), (2, 4, 7))
    outputs = [rng.random(shape).astype(np.float32) for shape in shapes]
    valid = np.array([[True, True, False, False], [False] * 4])
    batch = Encoded.from_outputs(outputs, valid, spells=True)
    for name, given in zip(("embeddings", "projections", "memory"), outputs, strict=False):
        np.testing.assert_array_equal(getattr(batch, name), given)
    np.testing.assert_allclose(batch.attention_mean, [outputs[3][0, :2].mean(), 0.0], rtol=1e-6)
    assert batch.word_log_probs.shape == (2, 4, 7)
    assert Encoded.from_outputs(outputs, valid, spells=False).word_log_probs.shape == (2, 4, 0)


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("embeddings", (3,), "axes"),
        ("attention_mean", (2,), "same number of clips"),
        ("memory", (3, 9, 3), "same frames"),
        ("memory_valid", (3, 5), "same frames"),
        ("word_log_probs", (3, 5, 7), "same frames"),
    ],
)
def test_shapes_that_do_not_belong_together_are_refused(name, shape, message):
    clips = encoded()
    arrays = {field.name: getattr(clips, field.name) for field in fields(clips)}
    arrays[name] = np.zeros(shape, dtype=arrays[name].dtype)
    with pytest.raises(ValueError, match=message):
        Encoded(**arrays)
