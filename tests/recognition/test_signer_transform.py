"""A person's matrices: what they leave as it is, and what a file of them must hold."""

from dataclasses import replace

import numpy as np
import pytest

from made.signers import SENTENCES, SignWorld
from signtalk.errors import ArtifactError
from signtalk.files import load_arrays, save_arrays
from signtalk.recognition.recognizer import DecisionConfig, Recognizer
from signtalk.recognition.signer_fit import fit_signer
from signtalk.recognition.signer_transform import SignerEncoder, SignerTransform

WORLD = SignWorld.made()
INDEX = WORLD.index()
CLIPS = WORLD.encoded(SENTENCES[:4])
SIGNER = fit_signer(CLIPS, SENTENCES[:4], INDEX, WORLD.tokenizer)


def test_nothing_but_frames_and_words_changes():
    applied = SIGNER.applied(CLIPS)
    valid = CLIPS.memory_valid
    for name in ("embeddings", "memory", "memory_valid", "attention_mean"):
        np.testing.assert_array_equal(getattr(applied, name), getattr(CLIPS, name))
    np.testing.assert_allclose(np.linalg.norm(applied.projections, axis=2)[valid], 1, atol=1e-5)
    assert not applied.projections[~valid].any()
    np.testing.assert_allclose(np.exp(applied.word_log_probs[valid]).sum(axis=1), 1, atol=1e-5)
    assert applied.word_log_probs.dtype == applied.projections.dtype == np.float32


def test_empty_matrices_change_nothing():
    nothing = replace(SIGNER, frames=0 * SIGNER.frames, words=0 * SIGNER.words).applied(CLIPS)
    np.testing.assert_allclose(nothing.projections, CLIPS.projections, atol=1e-6)
    valid = CLIPS.memory_valid
    np.testing.assert_allclose(nothing.word_log_probs[valid], CLIPS.word_log_probs[valid], atol=1e-5)


def test_a_file_gives_the_same(tmp_path):
    SIGNER.save(tmp_path / "anna.npz")
    loaded = SignerTransform.load(tmp_path / "anna.npz", "model-1")
    assert (loaded.encoder_id, loaded.num_clips) == ("model-1", 4)
    np.testing.assert_allclose(loaded.applied(CLIPS).projections, SIGNER.applied(CLIPS).projections, atol=1e-5)
    np.testing.assert_allclose(loaded.applied(CLIPS).word_log_probs, SIGNER.applied(CLIPS).word_log_probs, atol=1e-4)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"encoder_id": np.array("another")}, "another model"),
        ({"version": np.array(9)}, "version 9"),
        ({"frames": np.zeros((3, 2), dtype=np.float32)}, "not a learned signer"),
        ({"centre": np.full(12, np.nan, dtype=np.float32)}, "not finite"),
        ({"scale": np.array(0.0)}, "not positive"),
        ({"num_clips": None}, "not a learned signer"),
    ],
)
def test_files_that_cannot_be_are_refused(tmp_path, change, reason):
    path = tmp_path / "anna.npz"
    SIGNER.save(path)
    arrays = load_arrays(path) | change
    save_arrays(path, {name: array for name, array in arrays.items() if array is not None})
    with pytest.raises(ArtifactError, match=reason):
        SignerTransform.load(path, "model-1")


def test_clips_of_another_model_are_refused():
    with pytest.raises(ValueError, match="widths"):
        SIGNER.applied(replace(CLIPS, memory=CLIPS.memory[..., :5]))


class _Encoder:
    feature_config = "of everybody"

    def encode(self, features, valid):
        return CLIPS


def test_a_recognizer_that_knows_somebody_encodes_as_they_sign():
    recognizer = Recognizer(encoder=_Encoder(), index=INDEX, decision=DecisionConfig(), tokenizer=WORLD.tokenizer)
    knowing = recognizer.knowing(SIGNER)
    assert isinstance(knowing.encoder, SignerEncoder)
    assert knowing.encoder.feature_config == "of everybody"
    np.testing.assert_array_equal(knowing.encoder.encode(None, None).projections, SIGNER.applied(CLIPS).projections)
    assert knowing.prepared is recognizer.prepared
    with pytest.raises(ArtifactError, match="expected model-1"):
        recognizer.knowing(replace(SIGNER, encoder_id="another"))
