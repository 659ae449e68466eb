"""Two processes that enroll at once: what `test_enrolment` runs in a process of its own, and a longer run by hand.

    python tests/made/enrolment_worker.py FOLDER CLIPS    # CLIPS sentences each

Prints one JSON object; fails with an AssertionError where a confirmed sentence is lost or the index cannot be read.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np

from made.killed import all_of_pipe, working_process
from made.references import PROJECTION, WIDTH, encoded, small_index
from signtalk.index.personal import load_layer
from signtalk.recognition.enrolment import EncodedClips, NewSentence, enroll_encoded
from signtalk.recognition.recognizer import DecisionConfig, Recognizer

MOTIONS = np.ones(1, dtype=np.float32)


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
    """A child that enrolls and says each number once it is confirmed: its process id, the end of its pipe."""

    def work(say):
        recognizer = made_recognizer()
        for number in numbers:
            enroll_number(recognizer, folder, number)
            say(str(number))

    return working_process(work)


def numbers_in(folder):
    """What a reader finds, each sentence checked against the clip that it was enrolled from."""
    layer = load_layer(folder, small_index().encoder_id)
    assert len(layer) == 0 or layer.projections.shape[2] == PROJECTION
    numbers = [int(entry.sentence.split()[-1]) for entry in layer.entries]
    for row, number in enumerate(numbers):
        assert np.array_equal(layer.embeddings[row], clip_of(number).embeddings[0]), number
        assert layer.embeddings.shape[1] == WIDTH
    return numbers


def two_writers(folder, count):
    writers = [enrolling_process(folder, range(start, start + count)) for start in (0, 1000)]
    confirmed = sorted(number for _, reading in writers for number in map(int, all_of_pipe(reading)))
    for process, _ in writers:
        os.waitpid(process, 0)
    assert sorted(numbers_in(folder)) == confirmed
    return {"enrolled": len(confirmed)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(two_writers(Path(sys.argv[1]), int(sys.argv[2]))) + "\n")
