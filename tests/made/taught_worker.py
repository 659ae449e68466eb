"""Processes that teach, keep what is said, import, forget and carry, and are killed: run by `test_carrying`.

    python tests/made/taught_worker.py FOLDER ROUNDS SEED    # longer, by hand

A child does all of it in turns on one folder and says each thing once it is confirmed; it is killed at random moments.
Prints one JSON object; fails with an AssertionError where something confirmed is lost, a kept clip is not the one that
was signed, or something forgotten is still there.
"""

import json
import random
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from made.killed import Say, killed_at_random
from made.taught import ruled, same_landmarks, signed, teach
from signtalk.bundle.collection import export_collection, import_collection
from signtalk.index.files import existing_folder, locked
from signtalk.index.index import SentenceIndex
from signtalk.index.personal import forget, layer_exists, takes_of
from signtalk.index.said import drop_said, read_said, said_place
from signtalk.index.takes import clip_path
from signtalk.landmarks.clip import load_clip
from signtalk.recognition.carrying import carry
from signtalk.recognition.enrolment import NewSentence
from signtalk.recognition.said import remember

MODELS = {f"model-{seed}": ruled(seed) for seed in (1, 2)}
IMPORTED, SAID = 500_000, 1_000_000
"""Added to a number that comes in a collection, and to one of a clip that was said."""
KINDS = ("taught", "said", "corrected", "forgotten", "carried")


@dataclass
class Held:
    """Numbers of clips that were taught, and what those say that were said."""

    taught: set[int] = field(default_factory=set)
    said: dict[int, str] = field(default_factory=dict)

    def hear(self, kind: str, number: int) -> None:
        """Something was confirmed."""
        if kind == "taught":
            self.taught.add(number)
        elif kind == "said":
            self.said[number] = text_of(number - SAID)
        elif kind == "corrected":
            self.said[number] = corrected(number - SAID)
        elif kind == "forgotten":
            self.taught.discard(number)
            if self.said.get(SAID + number) == text_of(number):
                del self.said[SAID + number]


def text_of(number: int) -> str:
    return f"Sentence number {number}"


def corrected(number: int) -> str:
    return f"Corrected number {number}"


def say_yes(recognizer, folder: Path, number: int, text: str, origin="confirmed") -> None:
    """Keep the clip of what a number says; its category is its own number."""
    remember(
        recognizer, folder, NewSentence(text, str(SAID + number), "s07", "", "train"), origin, signed(SAID + number)
    )


def model_of(folder: Path):
    return MODELS[SentenceIndex.load(folder).encoder_id] if layer_exists(folder) else MODELS["model-1"]


def turn(folder: Path, number: int, say: Say) -> None:
    """Teach, keep what is said and correct it, take in a collection, forget, carry to the other model."""
    recognizer = model_of(folder)
    teach(recognizer, folder, number, consent="train", date="2026-11-28")
    say(f"taught {number}")
    say_yes(recognizer, folder, number, text_of(number))
    say(f"said {SAID + number}")
    if number % 2:
        say_yes(recognizer, folder, number, corrected(number), "corrected")
        say(f"corrected {SAID + number}")
    elsewhere, other = folder.with_name(f"elsewhere-{number}"), IMPORTED + number
    teach(recognizer, elsewhere / "index", other, consent="recognize")
    say_yes(recognizer, elsewhere / "index", other, text_of(other))
    export_collection(elsewhere / "index", elsewhere / "one.zip")
    import_collection(recognizer, elsewhere / "one.zip", folder)
    say(f"taught {other}")
    say(f"said {SAID + other}")
    if number % 3 == 0:
        forget(folder, [text_of(number)])
        say(f"forgotten {number}")
    carry(next(model for name, model in MODELS.items() if name != recognizer.index.encoder_id), folder)
    say(f"carried {number}")


def turns(folder: Path, first: int, say: Say) -> None:
    for number in range(first, first + 1000):
        turn(folder, number, say)


def found_in(folder: Path) -> Held:
    """What a reader finds: every sentence with its kept clip, which is the one that was signed, and no other clip."""
    held = Held()
    for take in read_said(folder).values():
        path = clip_path(said_place(folder), take.clip_id)
        if not path.exists():  # being forgotten when the process died
            continue
        assert same_landmarks(load_clip(path), signed(int(take.category)))
        held.said[int(take.category)] = take.sentence
    if not layer_exists(folder):
        return held
    index, takes = SentenceIndex.load(folder), takes_of(folder)
    folder = existing_folder(folder)
    assert set(takes) == set(index.row_of)
    files = {clip_path(folder, clip_id) for clip_id in takes}
    assert files == set((folder / "clips").iterdir())
    numbers = {int(take.sentence.split()[-1]): clip_id for clip_id, take in takes.items()}
    assert len(numbers) == len(takes)
    for number, clip_id in numbers.items():
        assert same_landmarks(load_clip(clip_path(folder, clip_id)), signed(number)), number
    held.taught = set(numbers)
    return held


def check(held: Held, there: Held, forgotten: set[int]) -> None:
    """All that was confirmed is there, but for the one thing that was on its way when the process died."""
    lost = (held.taught - there.taught) | {number - SAID for number in held.said.keys() - there.said.keys()}
    # Being forgotten, and killed before it could say so.
    assert len(lost) <= 1 and all(number % 3 == 0 and number < IMPORTED for number in lost), lost
    assert not forgotten & there.taught, forgotten & there.taught
    for number, text in there.said.items():
        known = held.said.get(number, text_of(number - SAID))
        assert text in (known, corrected(number - SAID)), (number, text, known)
        assert text != text_of(number - SAID) or number - SAID not in forgotten, number


def kill_rounds(folder: Path, rounds: int, seed: int) -> dict[str, object]:
    turn(folder.with_name("warm-up") / "mine", 1, lambda _: None)  # compile before the fork
    rng, started = random.Random(seed), time.monotonic()
    held, confirmed, models, half_written = Held(), dict.fromkeys(KINDS, 0), set(), 0
    for number in range(rounds):
        first = 1 + 1000 * number
        lines = killed_at_random(lambda say, first=first: turns(folder, first, say), rng, most_lines=9)
        forgotten = set()
        for kind, which in (line.split() for line in lines):
            held.hear(kind, int(which))
            confirmed[kind] += 1
            forgotten |= {int(which)} if kind == "forgotten" else set()
        there = found_in(folder)
        check(held, there, forgotten)
        half_written += any(".writing-" in path.name for path in folder.parent.iterdir())
        models.add(model_of(folder).index.encoder_id)
        held = there
    last = model_of(folder).index.encoder_id
    carried = carry(MODELS["model-2" if last == "model-1" else "model-1"], folder)
    assert found_in(folder) == held and set(carried.clip_ids) == set(takes_of(folder))
    with locked(folder):
        drop_said(folder, [])  # what the killed ones left among the clips goes with the next change
    assert len(list((said_place(folder) / "clips").iterdir())) == len(read_said(folder)) == len(held.said)
    left = sorted(path.name for path in folder.parent.iterdir() if "mine" in path.name)
    return {
        "kills": rounds, "confirmed": confirmed, "taught": len(held.taught), "said": len(held.said),
        "half_written": half_written, "models": sorted(models), "left": left,
        "seconds": round(time.monotonic() - started, 1),
    }  # fmt: skip


if __name__ == "__main__":
    place, *numbers = sys.argv[1:]
    sys.stdout.write(json.dumps(kill_rounds(Path(place), *map(int, numbers))) + "\n")
