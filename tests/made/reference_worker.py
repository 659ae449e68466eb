"""A process that adds clips to Milvus, one after the other, until it is killed; and a longer run by hand.

python tests/made/reference_worker.py add PLACE FIRST         # prints each number once it is confirmed
python tests/made/reference_worker.py kill PLACE ROUNDS SEED  # killed ROUNDS times at random moments
"""

import random
import subprocess
import sys
import time

from made.references import encoded, entry
from signtalk.index.index import SentenceIndex
from signtalk.index.milvus import MilvusStore

ENCODER = "model-1"


def opened(place):
    return MilvusStore(str(place), ENCODER)


def one_clip(number):
    return SentenceIndex.build(encoded(1, seed=1000 + number), [entry(f"n{number}", f"text {number}")], ENCODER)


def told(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def add_until_killed(place, first):
    store = opened(place)
    told("ready")
    for number in range(first, first + 100_000):
        store.add(one_clip(number))
        told(str(number))


def kill_while_adding(place, rounds, seed, longest_s=0.5):
    """Numbers that were confirmed, over so many killed processes; each of them must be there and whole afterwards."""
    rng, confirmed, first = random.Random(seed), [], 0
    for _ in range(rounds):
        command = [sys.executable, __file__, "add", str(place), str(first)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout.readline().strip() == "ready"
            awaited = max(rng.randint(0, 2), 0 if confirmed else 1)  # a server may take long for the first
            lines = [process.stdout.readline() for _ in range(awaited)]
            time.sleep(rng.uniform(0, longest_s))
            process.kill()
            lines += [line for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
        confirmed += [int(line) for line in lines]
        first += len(lines) + 1  # the next one may be there, or not
        store = opened(place)
        try:
            assert len(store) >= len(confirmed)
            for number in confirmed[-5:]:
                query = one_clip(number).embeddings
                assert store.search(query, 1)[0][0].clip_id == f"n{number}"
                index = store.narrowed(query, 3).index
                assert index.row_of[f"n{number}"] >= 0
        finally:
            store.close()
    return confirmed


if __name__ == "__main__":
    if sys.argv[1] == "add":
        add_until_killed(sys.argv[2], int(sys.argv[3]))
    else:
        told(f"{len(kill_while_adding(sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))} confirmed")
