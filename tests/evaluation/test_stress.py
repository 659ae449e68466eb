"""How answers are judged and counted, on answers made up here; and that clips go the way of `recognize`."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from made.points import made_clip
from made.small_run import SmallRun
from made.stress import REFUSED, answer, case, query
from signtalk.data.manifest import clip_of_record, load_manifest
from signtalk.errors import ClipError
from signtalk.evaluation.intervals import wilson_interval
from signtalk.evaluation.retrieval import aurc, auroc, expected_calibration_error, fpr_at_tpr, reliability_bins
from signtalk.evaluation.stress import UNUSABLE, _asked, _case_result, _figures, _outcome, judged, stress
from signtalk.evaluation.stress_cases import RECORDED, PlannedCase
from signtalk.evaluation.stress_sources import choose_sources
from signtalk.training.run import RunFolder

TRANSLATED = answer("You wait.", accepted=False, translation="home i go", shown=True, reason="ambiguous_top2")


@pytest.mark.parametrize(
    ("expected", "asked", "said", "verdict"),
    [
        ("right", query(), answer(), "right"),
        ("right", query(), answer("You wait."), "wrong sentence"),
        ("right", query(), REFUSED, "refused"),
        ("right", query(), TRANSLATED, "right"),
        ("right", query(), replace(TRANSLATED, translation="home i come"), "wrong translation"),
        ("right", query(), replace(TRANSLATED, translation_shown=False), "refused"),
        ("right", query(), None, "refused"),
        ("other", query(texts=()), answer(), "right"),
        ("other", query(texts=()), answer("You wait."), "wrong sentence"),
        ("shown", query(texts=("I go",)), answer(), "wrong sentence"),  # the whole for its half
        ("shown", query(texts=("I go",)), answer("I go."), "right"),  # half of it is a sentence by itself
        ("shown", query(texts=("home i go",)), TRANSLATED, "right"),
        ("nothing", query((), ()), answer(), "wrong sentence"),
        ("nothing", query((), ()), TRANSLATED, "wrong translation"),
    ],
)
def test_an_answer_is_judged_by_what_may_be_told(expected, asked, said, verdict) -> None:
    found = _outcome(case(expected), asked, said)
    assert found.verdict == verdict
    assert (found.told == "") == (verdict == "refused") == (found.reason != "")
    assert found.own == (said is not None and said.accepted and said.candidates[0].text_key in asked.own_keys)


def test_the_first_candidate_counts_told_or_not() -> None:
    assert _outcome(case(), query(), REFUSED).first_right
    assert not _outcome(case("shown"), query(texts=("I go",)), REFUSED).first_right
    assert not _outcome(case("nothing"), query((), ()), REFUSED).first_right
    empty = replace(REFUSED, candidates=(), reason="empty_index", confidence=0.0)
    assert not _outcome(case(), query(), empty).first_right


class Scripted:
    """Answers each clip by its number of frames; clips of one frame cannot be used."""

    def recognize(self, clips, num_candidates):
        if any(clip.num_frames == 4 for clip in clips):
            raise ClipError("no shoulders")
        return tuple(answer(confidence=clip.num_frames / 100) for clip in clips)


def test_one_clip_that_cannot_be_used_costs_the_others_nothing() -> None:
    asked = [query(make=lambda n=n: made_clip(n)) for n in (5, 4, 6)]
    found = list(_asked(Scripted(), case(), asked))
    assert [outcome.confidence for outcome in found] == [0.05, 0.0, 0.06]
    assert [outcome.reason for outcome in found] == ["", UNUSABLE, ""]


def test_what_cannot_be_made_is_counted_apart() -> None:
    def refuse():
        raise ClipError("no wrist")

    asked = (query(make=refuse), query())
    found = list(_asked(Scripted(), case(), asked))
    assert len(found) == 1
    result = _case_result(PlannedCase(case(), asked), found)
    assert (result.num_clips, result.num_unmade, result.not_run) == (1, 1, "")
    nothing = _case_result(PlannedCase(case(), asked[:1]), [])
    assert (nothing.right, nothing.num_clips) == (None, 0)
    assert nothing.not_run == "none of its 1 clips could be made"


def test_counts_of_a_case_are_those_of_its_answers() -> None:
    said = [answer(), answer("You wait."), TRANSLATED, replace(TRANSLATED, translation="x"), REFUSED, REFUSED]
    found = [_outcome(case("shown"), query(), one) for one in said]
    result = _case_result(PlannedCase(case("shown"), (query(),) * 6), found)
    assert result.right == wilson_interval(2, 6)
    assert result.wrong == wilson_interval(2, 6)
    assert result.refused == wilson_interval(2, 6)
    assert (result.wrong_translations, result.wrong_own) == (1, 0)
    assert result.reasons == {"low_similarity": 2}
    whole = [_outcome(case("shown"), query(texts=("I go",)), answer())]
    assert _case_result(PlannedCase(case("shown"), (query(),)), whole).wrong_own == 1


def test_figures_are_those_of_the_metrics() -> None:
    rng = np.random.default_rng(0)
    outcomes = []
    for i in range(40):
        known = i % 2 == 0
        said = answer(confidence=float(rng.random()), sentence="I go home." if rng.random() < 0.7 else "You wait.")
        asked = query() if known else query((), ())
        outcomes.append(replace(_outcome(case("right" if known else "nothing"), asked, said), clip_id=f"c{i}"))
    again = [replace(outcomes[0], case=case(subset=True)), replace(outcomes[1], case=case("other"))]
    half = _outcome(case("shown"), query(texts=("I go",)), answer("I go.", confidence=1.0))  # rightly told
    figures = _figures("all", [*outcomes, *again, half], seed=0)
    confidence = np.array([outcome.confidence for outcome in outcomes])
    known = np.arange(40) % 2 == 0
    correct = np.array([outcome.first_right for outcome in outcomes])
    assert len(judged([*outcomes, *again, half])) == 40
    assert (figures.num_known, figures.num_strange) == (20, 20)
    assert figures.auroc.estimate == pytest.approx(auroc(confidence, known))
    assert figures.auroc.low < figures.auroc.estimate < figures.auroc.high
    assert figures.fpr_at_95_tpr == pytest.approx(fpr_at_tpr(confidence, known))
    assert figures.aurc == pytest.approx(aurc(confidence, correct))
    assert figures.ece == pytest.approx(expected_calibration_error(reliability_bins(confidence, correct)))
    alone = _figures("known", outcomes[::2], seed=0)
    assert (alone.auroc, alone.fpr_at_95_tpr, alone.num_strange) == (None, None, 0)


@pytest.mark.slow
def test_clips_as_recorded_get_the_answers_of_recognize(small_run: SmallRun) -> None:
    run, manifest = RunFolder.open(small_run.run), load_manifest(small_run.data)
    recognizer, split = run.recognizer(run.sentence_index(), run.decision()), run.split(manifest)
    sources = choose_sources(manifest, split, recognizer.index, limit=3)
    heard: list[tuple[int, int]] = []
    report = stress(recognizer, sources, lambda done, total: heard.append((done, total)))
    asked = {RECORDED: sources.known, "unknown sentence": sources.unknown, "idle, as recorded": sources.idle}
    for name, records in asked.items():
        found = [outcome for outcome in report.outcomes if outcome.case.name == name]
        answers = recognizer.recognize([clip_of_record(record) for record in records], num_candidates=1)
        assert [outcome.clip_id for outcome in found] == [record.clip_id for record in records]
        assert [outcome.told for outcome in found] == [one.text or "" for one in answers]
        assert [outcome.confidence for outcome in found] == pytest.approx([one.confidence for one in answers])
    assert heard[-1] == (len(report.outcomes), len(report.outcomes)) == (heard[0][1], heard[0][1])
    assert [figures.name for figures in report.figures] == ["as recorded", "all"]
    assert recognizer.decision.gate.note in report.notes
    assert {result.num_clips for result in report.cases if not result.not_run} <= {1, 2, 3}


@pytest.mark.slow
def test_sentences_are_out_of_the_index_while_they_are_unknown(small_run: SmallRun) -> None:
    run, manifest = RunFolder.open(small_run.run), load_manifest(small_run.data)
    recognizer = run.recognizer(run.sentence_index(), run.decision())
    sources = choose_sources(manifest, run.split(manifest), recognizer.index, limit=6)
    seen: list[SimpleNamespace] = []

    class Watched:
        index, decision = recognizer.index, recognizer.decision

        def changed(self, index):
            seen.append(SimpleNamespace(left=set(index.sentences)))
            return recognizer.changed(index=index)

        def recognize(self, clips, num_candidates):
            return recognizer.recognize(clips, num_candidates)

    report = stress(Watched(), replace(sources, unknown=(), known=sources.known[:6]))
    (left,) = seen
    asked = {key for o in report.outcomes if o.case.name.startswith("unknown sentence") for key in o.own_keys}
    assert asked and asked.isdisjoint(left.left)
    assert left.left | asked == set(recognizer.index.sentences)
