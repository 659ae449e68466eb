"""A made-up data folder and sources of hard clips for tests of the stress test, without a model."""

from made.points import made_clip
from signtalk.data.manifest import load_manifest
from signtalk.evaluation.stress_cases import Case, Query
from signtalk.evaluation.stress_sources import Sources
from signtalk.recognition.answer import Answer
from signtalk.recognition.ranking import Candidate
from signtalk.synthetic.dataset import SyntheticConfig, read_settings, write_dataset

CONFIG = SyntheticConfig(num_sentences=8, num_signers=2, clips_per_sentence=(2, 2), num_idle=2)


def made_sources(folder, **changes):
    """Six known sentences and two unknown ones, each signed by two people."""
    write_dataset(folder, CONFIG)
    signing = [record for record in load_manifest(folder).records if not record.is_idle]
    idle = [record for record in load_manifest(folder).records if record.is_idle]
    keys = list(dict.fromkeys(record.text_key for record in signing))
    parts = {
        "known": tuple(record for record in signing if record.text_key in keys[:6]),
        "unknown": tuple(record for record in signing if record.text_key in keys[6:]),
        "idle": tuple(idle),
        "other": (),
        "indexed": frozenset(keys[:6]),
        "made_up": read_settings(folder),
        "seed": 0,
    }
    return Sources(**{**parts, **changes})


def query(own=("i go home",), texts=("I go home.", "Home I go."), make=made_clip):
    return Query("c1", "A", own, texts, make)


def answer(sentence="I go home.", accepted=True, translation=None, shown=False, confidence=0.9, reason=""):
    first = Candidate(1, "r1", "", "", "7", sentence, "", sentence.lower().strip("."), 0.9, 0.9, *[None] * 5, 2)
    surely = None if translation is None else 0.9
    words = () if translation is None else ((translation, 0.9),)
    heard = (translation, None, words, surely, shown)
    return Answer(accepted, reason, confidence, 1.0, 0.1, (first,), 0, (), *heard)


def case(expected="right", **changes):
    return Case("a case", "a group", expected, **changes)


REFUSED = answer(accepted=False, reason="low_similarity")
