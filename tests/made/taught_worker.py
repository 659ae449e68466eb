"""Processes that teach, import and carry, and are killed: run by `test_carrying`, and for longer by hand.

    python tests/made/taught_worker.py FOLDER ROUNDS SEED

A child does all of it in turns on one folder and says each number once it is confirmed; it is killed at random
moments. Prints one JSON object; fails with an AssertionError where something confirmed is lost, a kept clip is not
the one that was taught, or something forgotten is still there.
"""

import json
import os
import random
import select
import signal
import sys
import time
from pathlib import Path

from made.taught import ruled, same_landmarks, signed, teach
from signtalk.bundle.collection import export_collection, import_collection
from signtalk.index.files import existing_folder
from signtalk.index.index import SentenceIndex
from signtalk.index.personal import forget, layer_exists, takes_of
from signtalk.index.takes import clip_path
from signtalk.landmarks.clip import load_clip
from signtalk.recognition.carrying import carry

MODELS = {f"model-{seed}": ruled(seed) for seed in (1, 2)}
LONGEST_S, PATIENCE_S = 0.2, 120.0
IMPORTED = 500_000
"""Added to a number that comes in a collection."""


def model_of(folder: Path):
    return MODELS[SentenceIndex.load(folder).encoder_id] if layer_exists(folder) else MODELS["model-1"]


def work(folder: Path, number: int, say) -> None:
    """One turn: teach, take in a collection, forget, carry to the other model."""
    recognizer = model_of(folder)
    teach(recognizer, folder, number, consent="train", date="2026-11-28")
    say("taught", number)
    elsewhere = folder.with_name(f"elsewhere-{number}")
    teach(recognizer, elsewhere / "index", IMPORTED + number, consent="recognize")
    export_collection(elsewhere / "index", elsewhere / "one.zip")
    import_collection(recognizer, elsewhere / "one.zip", folder)
    say("taught", IMPORTED + number)
    if number % 3 == 0:
        forget(folder, [f"Sentence number {number}"])
        say("forgotten", number)
    other = next(model for name, model in MODELS.items() if name != recognizer.index.encoder_id)
    carry(other, folder)
    say("carried", number)


def working_process(folder: Path, first: int) -> tuple[int, int]:
    """A child that works: its process id, and the end of the pipe that it says into."""
    reading, writing = os.pipe()
    process = os.fork()
    if process:
        os.close(writing)
        return process, reading
    try:
        for number in range(first, first + 1000):
            work(folder, number, lambda what, which: os.write(writing, f"{what} {which}\n".encode()))
    finally:
        os._exit(0)


def numbers_in(folder: Path) -> set[int]:
    """What a reader finds: every sentence with its kept clip, which is the one that was taught, and no other clip."""
    if not layer_exists(folder):
        return set()
    index, takes = SentenceIndex.load(folder), takes_of(folder)
    folder = existing_folder(folder)
    assert set(takes) == set(index.row_of)
    files = {clip_path(folder, clip_id) for clip_id in takes}
    assert files == set((folder / "clips").iterdir())
    numbers = {int(take.sentence.split()[-1]): clip_id for clip_id, take in takes.items()}
    assert len(numbers) == len(takes)
    for number, clip_id in numbers.items():
        assert same_landmarks(load_clip(clip_path(folder, clip_id)), signed(number)), number
    return set(numbers)


def kill_rounds(folder: Path, rounds: int, seed: int) -> dict[str, object]:
    work(folder.with_name("warm-up") / "mine", 1, lambda *_: None)  # compile before the fork
    rng, started = random.Random(seed), time.monotonic()
    held: set[int] = set()
    confirmed, models, half_written = 0, [], 0
    for turn in range(rounds):
        process, reading = working_process(folder, 1 + 1000 * turn)
        said = b""
        for _ in range(rng.randrange(6)):  # however busy the machine, every kind of turn is met
            select.select([reading], [], [], PATIENCE_S)
            said += os.read(reading, 1 << 16)
        time.sleep(rng.uniform(0, LONGEST_S))
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        with os.fdopen(reading, "rb") as pipe:
            said += pipe.read()
        lines = [line.split() for line in said.decode().splitlines()]
        confirmed += len(lines)
        forgotten = {int(number) for what, number in lines if what == "forgotten"}
        held = (held | {int(number) for what, number in lines if what == "taught"}) - forgotten
        there = numbers_in(folder)
        lost = held - there
        # Forgotten, and killed before it could say so: the one that it would have said next, if any.
        assert len(lost) <= 1 and all(number % 3 == 0 and number < IMPORTED for number in lost), lost
        assert not forgotten & there, forgotten & there
        half_written += any(".writing-" in path.name for path in folder.parent.iterdir())
        models.append(model_of(folder).index.encoder_id)
        held = there
    carried = carry(MODELS["model-2" if models[-1] == "model-1" else "model-1"], folder)
    assert numbers_in(folder) == held and len(carried.clip_ids) == len(held)
    left = {path.name for path in folder.parent.iterdir() if "mine" in path.name}
    return {
        "kills": rounds, "confirmed": confirmed, "held": len(held), "half_written": half_written,
        "models": sorted(set(models)), "left": sorted(left), "seconds": round(time.monotonic() - started, 1),
    }  # fmt: skip


if __name__ == "__main__":
    place, *numbers = sys.argv[1:]
    sys.stdout.write(json.dumps(kill_rounds(Path(place), *map(int, numbers))) + "\n")
