"""Sentences without clips: read, written into an index, and scored beside sentences with clips."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from made.references import encoded, entry, log_softmax, made_space, small_index
from signtalk.errors import ConfigError, DataError
from signtalk.index.index import SentenceIndex
from signtalk.index.written import (
    WrittenSentence,
    clip_parts,
    equated_stage,
    read_sentences,
    stand_in_dtw,
    write_sentences,
)
from signtalk.recognition.ctc import SpelledSentences
from signtalk.recognition.scoring import ScoringConfig, score_sentences

NEW = [WrittenSentence("Close your mouth", "9", "teeth"), WrittenSentence("It hurts here.")]
SPACE = made_space("close your mouth", "it hurts here")


def written_index():
    return write_sentences(small_index(), NEW, SPACE).index


def spelled(index, space=SPACE):
    rows = index.groups.canonical_rows
    return SpelledSentences.of([space.tokenizer.encode(index.entries[row].sentence, False) for row in rows])


def texts_of(index, space=SPACE):
    return space.embed([index.entries[row].sentence for row in index.groups.canonical_rows])


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.txt", "Where is it?\n\n  It hurts. \n", [("Where is it?", "", ""), ("It hurts.", "", "")]),
        ("a.csv", "sentence,sentence_id\nWhere is it?,7\n", [("Where is it?", "7", "")]),
        ("a.csv", 'category,sentence\nteeth,"Open, please"\n', [("Open, please", "", "teeth")]),
    ],
)
def test_sentences_are_read(tmp_path, name, content, expected):
    (tmp_path / name).write_text(content, encoding="utf-8")
    sentences, notes = read_sentences(tmp_path / name)
    assert notes == ()
    assert [(each.sentence, each.sentence_id, each.category) for each in sentences] == expected


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"", "no sentence in it"),
        ("a.txt", b"fine\n?!\n", r"'\?!' holds no word"),
        ("a.txt", b"\xff\xfe\x00", "no text at byte"),
        ("a.csv", b"who\nhello\n", "columns who; expected one of sentence, text"),
        ("a.csv", b"sentence,category\n#REF!,teeth\n", "line 2, column 'sentence': '#REF!' is an error"),
        ("a.csv", b"sentence,category\n,teeth\n", "'' holds no word"),
    ],
)
def test_what_is_no_sentence_is_told_with_its_file(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        read_sentences(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)
    with pytest.raises(DataError, match=r"none\.txt"):
        read_sentences(tmp_path / "none.txt")


def test_writing_adds_sentences_once_and_leaves_known_ones_alone():
    more = [*NEW, WrittenSentence("close your MOUTH!"), WrittenSentence("Null."), WrittenSentence("Zebra here")]
    writing = write_sentences(small_index(), more, SPACE)
    assert writing.written == ("Close your mouth", "It hurts here.", "Zebra here")
    assert writing.already == ("Null.",)
    assert writing.unknown_words == ("Zebra here",)
    index = writing.index
    assert index.written.tolist() == [False] * 5 + [True] * 3
    assert index.projection_lengths[5:].tolist() == [0, 0, 0]
    first, second = index.entries[5:7]
    assert (first.sentence_id, first.category, first.video_file, first.feature_path) == ("9", "teeth", "", "")
    assert second.sentence_id == second.clip_id
    np.testing.assert_allclose(index.embeddings[5], SPACE.embed(["close your mouth"])[0], atol=1e-6)
    again = write_sentences(index, more, SPACE)
    assert again.index is index
    assert set(again.already) == {"Close your mouth", "It hurts here.", "close your MOUTH!", "Null.", "Zebra here"}


def test_a_written_sentence_becomes_its_clips_when_it_is_enrolled():
    index = written_index()
    grown = index.add(encoded(2, seed=3), [entry("n1", "close your mouth"), entry("n2", "other")])
    assert [item.kind for item in grown.entries if item.text_key == "close your mouth"] == ["clip"]
    assert grown.written.sum() == 1
    assert len(grown) == len(index) + 1
    assert not index.without_sentences(["close your mouth", "it hurts here"]).written.any()


def test_an_index_without_clips_cannot_be_written_into():
    for index in (SentenceIndex.build([], [], "m"), written_index().without([f"{a}{b}" for a in "abc" for b in "12"])):
        with pytest.raises(ConfigError, match="holds no clip"):
            write_sentences(index, [WrittenSentence("new words")], SPACE)


def test_what_is_no_written_sentence_is_refused():
    index, vectors = small_index(), np.eye(8, dtype=np.float32)[:1]
    with pytest.raises(ValueError, match="entries of clips"):
        index.with_written(vectors, [entry("x", "new")])
    with pytest.raises(ValueError, match=r"'null' is written and there besides"):
        index.with_written(vectors, [replace(entry("x", "null"), kind="written")])
    with pytest.raises(ValueError, match=r"embeddings \(1, 4\); expected \(1, 8\)"):
        index.with_written(vectors[:, :4], [replace(entry("x", "new"), kind="written")])
    with pytest.raises(ValueError, match="a written sentence has none"):
        entries = (*index.entries[:4], replace(index.entries[4], text_key="new", kind="written"))
        SentenceIndex(index.embeddings, index.projections, index.projection_lengths, entries, "m")


def test_an_index_with_written_sentences_survives_the_disk(tmp_path):
    index = written_index()
    index.save(tmp_path / "index")
    loaded = SentenceIndex.load(tmp_path / "index", "model-1")
    assert loaded.entries == index.entries
    assert loaded.written.tolist() == index.written.tolist()
    np.testing.assert_array_equal(loaded.embeddings, index.embeddings)


def test_equating_gives_written_sentences_the_clips_mean_and_spread():
    rng = np.random.default_rng(0)
    stage, texts = rng.normal(0.3, 0.1, (4, 50)), rng.normal(0.0, 0.02, (4, 50))
    written = np.arange(50) >= 40
    stage[:, 3] = -np.inf  # left out for all queries: counts nowhere
    equated = equated_stage(stage.astype(np.float32), texts.astype(np.float32), written, 0.4)
    np.testing.assert_allclose(equated[:, ~written], stage[:, ~written], rtol=1e-6)
    signed = ~written & (np.arange(50) != 3)
    for b in range(4):
        mean, spread = stage[b, signed].mean(), stage[b, signed].std()
        z = (texts[b, written] - texts[b, signed].mean()) / texts[b, signed].std()
        np.testing.assert_allclose(equated[b, written], np.minimum(mean + z * spread, 0.4), rtol=1e-4)
    few = equated_stage(stage[:, 38:42].astype(np.float32), texts[:, 38:42].astype(np.float32), written[38:42], 0.4)
    np.testing.assert_allclose(few[:, 2:], 0.4 * texts[:, 40:42], rtol=1e-5)
    gone = np.where(written, -np.inf, stage).astype(np.float32)
    assert np.isneginf(equated_stage(gone, texts.astype(np.float32), written, 0.4)[:, written]).all()


def test_the_stand_in_is_the_best_dtw_of_those_spelled_no_better():
    dtw = np.array([[0.9, 0.5, 0.7, 0.0, 0.0]], dtype=np.float32)
    texts = np.array([[0.8, 0.3, 0.2, 0.25, 0.1]], dtype=np.float32)
    written, present = np.array([[False, False, False, True, True]]), np.ones((1, 5), bool)
    np.testing.assert_allclose(stand_in_dtw(dtw, texts, written, present), [[0.9, 0.5, 0.7, 0.7, 0.5]])
    np.testing.assert_allclose(stand_in_dtw(dtw, texts, ~written, present & ~written), [[0, 0, 0, 0, 0]])
    np.testing.assert_allclose(stand_in_dtw(dtw, np.nan * texts, written, present)[0, 3:], 0.5)
    only = stand_in_dtw(dtw, texts, written, written)
    np.testing.assert_allclose(only[0, 3:], 0.0)


def test_the_clip_part_is_the_mean_of_what_text_and_spelling_say():
    parts = np.array([[0.9, 0.5, 0.7, 0.4, 0.8, 0.3]], dtype=np.float32)
    texts = np.array([[0.8, 0.3, 0.2, 0.25, 0.25, 0.1]], dtype=np.float32)
    written, present = np.arange(6)[None] >= 3, np.ones((1, 6), bool)
    expected = [[0.9, 0.5, 0.7, (0.4 + 0.7) / 2, 0.8, 0.3]]  # raised half way; never lowered; none spelled worse
    np.testing.assert_allclose(clip_parts(parts, texts, written, present), expected, rtol=1e-6)
    np.testing.assert_allclose(clip_parts(parts, np.nan * texts, written, present), parts)


def clips_that_spell(sentence, index, count=1):
    """Queries whose frames spell a sentence clearly, and whose embedding is a little like its text."""
    clips = encoded(count, seed=5, num_frames=6, words=SPACE.tokenizer.vocabulary_size)
    logits = np.zeros(clips.word_log_probs.shape)
    ids = SPACE.tokenizer.encode(sentence, add_special=False)
    for t in range(6):
        logits[:, t, ids[t // 2] if t % 2 == 0 else 0] = 12.0
    text = SPACE.embed([sentence])
    mixed = clips.embeddings + 1.5 * text
    mixed /= np.linalg.norm(mixed, axis=1, keepdims=True)
    valid = np.ones_like(clips.memory_valid)
    return replace(clips, word_log_probs=log_softmax(logits), embeddings=mixed.astype(np.float32), memory_valid=valid)


def test_a_sentence_that_is_only_written_is_found_and_tells_what_it_lacks():
    index = written_index()
    query = clips_that_spell("it hurts here", index)
    scores = score_sentences(query, index, ScoringConfig(), spellings=spelled(index), text_embeddings=texts_of(index))
    assert scores.ranks_of(["it hurts here"]).tolist() == [1]
    first = scores.candidates(0)[0]
    assert (first.sentence, first.num_references, first.video_file) == ("It hurts here.", 0, "")
    assert (first.dtw_distance, first.dtw_score, first.proto_similarity) == (None, None, None)
    assert first.text_score > 0.9
    assert first.raw_similarity == pytest.approx(float(query.embeddings[0] @ index.embeddings[6]), abs=1e-6)
    assert np.isfinite(scores.scores).all()
    assert scores.margins()[0] > 0


@given(st.integers(0, 10_000), st.integers(0, 8))
@pytest.mark.slow
def test_nothing_beyond_the_head_stands_above_it_with_written_sentences_too(seed, rerank):
    index = written_index()
    queries = encoded(3, seed=seed, words=SPACE.tokenizer.vocabulary_size)
    config = ScoringConfig(rerank_sentences=rerank)
    scores = score_sentences(queries, index, config, spellings=spelled(index), text_embeddings=texts_of(index))
    assert (np.diff(scores.scores, axis=1) <= 1e-6).all()
    plain = score_sentences(queries, small_index(), config, spellings=spelled(small_index()))
    for b in range(3):  # among sentences with clips, writing changes no order where all are looked at
        if rerank < 5:
            continue
        ours = [c for c in scores.classes[b] if not index.written_classes[c]]
        keys = [index.groups.text_keys[c] for c in ours]
        assert keys == [small_index().groups.text_keys[c] for c in plain.classes[b]]


def test_without_spelling_and_in_prototype_mode():
    index, queries = written_index(), encoded(3, seed=2)
    scores = score_sentences(queries, index, ScoringConfig(), text_embeddings=texts_of(index))
    assert np.isfinite(scores.scores).all()
    assert np.isnan(scores.text_scores).all()
    with pytest.raises(ValueError, match="no text_embeddings"):
        score_sentences(queries, index, ScoringConfig())
    prototype = ScoringConfig(mode="prototype")
    with_written = score_sentences(queries, index, prototype, [["a1"], [], []])
    plain = score_sentences(queries, small_index(), prototype, [["a1"], [], []])
    np.testing.assert_array_equal(with_written.rows[:, :5], plain.rows)
    np.testing.assert_allclose(with_written.scores[:, :4], plain.scores[:, :4], rtol=1e-6)
    assert (with_written.rows[:, 5:] == -1).all()


def test_an_id_of_another_sentence_is_refused():
    index, space = small_index(), SPACE
    taken = index.entries[0]
    with pytest.raises(DataError, match="is that of"):
        write_sentences(index, [WrittenSentence("close your mouth", taken.sentence_id)], space)
    twice = [WrittenSentence("close your mouth", "x9"), WrittenSentence("it hurts here", "x9")]
    with pytest.raises(DataError, match="is that of"):
        write_sentences(index, twice, space)


def test_blanks_are_folded_and_control_characters_refused(tmp_path):
    path = tmp_path / "new.csv"
    path.write_text('sentence\n"line one\n line two"\n', encoding="utf-8")
    assert read_sentences(path)[0][0].sentence == "line one line two"
    path.write_text("sentence\na\x07b\n", encoding="utf-8")
    with pytest.raises(DataError, match="control"):
        read_sentences(path)
    with pytest.raises(DataError, match="no such file"):
        read_sentences(tmp_path / "none.txt")
