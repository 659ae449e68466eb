"""Processes that work and are killed: a child says what it has confirmed, and dies at a random moment."""

import os
import random
import select
import signal
import time
from collections.abc import Callable

LONGEST_S, PATIENCE_S = 0.2, 120.0
Say = Callable[[str], None]


def working_process(work: Callable[[Say], None]) -> tuple[int, int]:
    """A child that works: its process id, and the end of the pipe that it says lines into."""
    reading, writing = os.pipe()
    process = os.fork()
    if process:
        os.close(writing)
        return process, reading
    try:
        work(lambda line: os.write(writing, f"{line}\n".encode()))
    finally:
        os._exit(0)


def all_of_pipe(reading: int) -> list[str]:
    """The lines that were said until its other end was closed."""
    with os.fdopen(reading) as pipe:
        return pipe.read().splitlines()


def killed_at_random(work: Callable[[Say], None], rng: random.Random, most_lines: int) -> list[str]:
    """What a child confirmed until it was killed: some lines first, fewer than `most_lines`, then a random while."""
    process, reading = working_process(work)
    said = b""
    for _ in range(rng.randrange(most_lines)):  # however busy the machine, every kind of turn is met
        select.select([reading], [], [], PATIENCE_S)
        said += os.read(reading, 1 << 16)
    time.sleep(rng.uniform(0, LONGEST_S))
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    with os.fdopen(reading, "rb") as pipe:
        said += pipe.read()
    return said.decode().splitlines()
