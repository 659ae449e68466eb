"""Processes that enroll, and are killed: what `test_enrolment` runs in a process of its own, and a longer run by hand.

    python tests/enrolment_worker.py kill FOLDER ROUNDS SEED    # one writer, killed ROUNDS times at random moments
    python tests/enrolment_worker.py two FOLDER CLIPS           # two writers at once, CLIPS sentences each

Prints one JSON object; fails with an AssertionError where a confirmed sentence is lost or the index cannot be read.
"""

import json
import os
import random
import select
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from made.references import PROJECTION, WIDTH, encoded, small_index
from signtalk.index.personal import LayeredIndex, load_layer
from signtalk.recognition.enrolment import EncodedClips, NewSentence, enroll_encoded
from signtalk.recognition.recognizer import DecisionConfig, Recognizer

MOTIONS = np.ones(1, dtype=np.float32)
LONGEST_S, PATIENCE_S = 0.25, 60.0


class NoEncoder:
    """Clips come encoded."""


def made_recognizer(index=None):
    index = small_index() if index is None else index
    return Recognizer(encoder=NoEncoder(), index=index, decision=DecisionConfig(translate=False))


def clip_of(number):
    """The encoded clip of a sentence that a number names."""
    return encoded(1, seed=1000 + number)


def enroll_number(recognizer, folder, number):
    sentence = NewSentence(f"Sentence number {number}", "numbers", "s09")
    return enroll_encoded(recognizer, folder, sentence, EncodedClips((f"n{number}.npz",), clip_of(number), MOTIONS))


def enrolling_process(folder, numbers):
    """A child that enrolls and writes each number into a pipe once it is confirmed: its process id, the pipe's end."""
    reading, writing = os.pipe()
    process = os.fork()
    if process:
        os.close(writing)
        return process, reading
    try:
        recognizer = made_recognizer()
        for number in numbers:
            enroll_number(recognizer, folder, number)
            os.write(writing, f"{number}\n".encode())
    finally:
        os._exit(0)


def all_of_pipe(reading):
    with os.fdopen(reading) as pipe:
        return [int(line) for line in pipe.read().split()]


def numbers_in(folder):
    """What a reader finds, each sentence checked against the clip that it was enrolled from."""
    layer = load_layer(folder, small_index().encoder_id)
    assert len(layer) == 0 or layer.projections.shape[2] == PROJECTION
    numbers = [int(entry.sentence.split()[-1]) for entry in layer.entries]
    for row, number in enumerate(numbers):
        assert np.array_equal(layer.embeddings[row], clip_of(number).embeddings[0]), number
        assert layer.embeddings.shape[1] == WIDTH
    return numbers


def warm_up():
    """Load the compiled loops before the fork: a child that loads them first is killed before it enrolls anything."""
    with tempfile.TemporaryDirectory() as elsewhere:
        enroll_number(made_recognizer(), Path(elsewhere) / "index", 0)


def kill_rounds(folder, rounds, seed):
    warm_up()
    rng, started = random.Random(seed), time.monotonic()
    confirmed, half_written, unconfirmed = [], 0, 0
    for number in range(rounds):
        process, reading = enrolling_process(folder, range(1000 * number, 1000 * number + 1000))
        if number % 2:  # on a busy machine, too, every other writer confirms something before it is killed
            select.select([reading], [], [], PATIENCE_S)
        time.sleep(rng.uniform(0, LONGEST_S))
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        confirmed += all_of_pipe(reading)
        found = numbers_in(folder)
        assert found == sorted(set(found))
        assert set(confirmed) <= set(found), set(confirmed) - set(found)
        extra = set(found) - set(confirmed)  # written, and killed before it could say so
        assert len(extra) <= 1, extra
        unconfirmed, confirmed = unconfirmed + len(extra), found
        half_written += any(path.name.startswith(f".{folder.name}.writing-") for path in folder.parent.iterdir())
    enroll_number(made_recognizer(), folder, -1)  # the next writer removes what they left
    left = sorted(path.name for path in folder.parent.iterdir() if path != folder)
    return {
        "kills": rounds, "enrolled": len(confirmed), "written_unconfirmed": unconfirmed, "half_written": half_written,
        "left": left, "seen_by_a_query": len(LayeredIndex(small_index(), folder).current()),
        "seconds": round(time.monotonic() - started, 1),
    }  # fmt: skip


def two_writers(folder, count):
    writers = [enrolling_process(folder, range(start, start + count)) for start in (0, 1000)]
    confirmed = sorted(number for _, reading in writers for number in all_of_pipe(reading))
    for process, _ in writers:
        os.waitpid(process, 0)
    assert sorted(numbers_in(folder)) == confirmed
    return {"enrolled": len(confirmed)}


if __name__ == "__main__":
    mode, place, *rest = sys.argv[1:]
    work = {"kill": kill_rounds, "two": two_writers}[mode]
    sys.stdout.write(json.dumps(work(Path(place), *map(int, rest))) + "\n")
