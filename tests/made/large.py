"""A large index of made-up clips, packed in parts."""

from made.references import FRAMES, encoded, entry
from signtalk.index.index import SentenceIndex
from signtalk.index.large import LargeIndex
from signtalk.index.large_files import write_large_index

NUM, SENTENCES = 400, 130


def made_index(num=NUM, seed=3):
    entries = [entry(f"c{n}", f"text {n * 7 % SENTENCES}", f"{n * 7 % SENTENCES:03}") for n in range(num)]
    return SentenceIndex.build(encoded(num, seed=seed), entries, "model-1")


def parts_of(index, size=90):
    names = [each.clip_id for each in index.entries]
    for start in range(0, len(names), size):
        yield index.without([*names[:start], *names[start + size :]])


def packed(tmp_path, index, exact_up_to=50_000):
    write_large_index(tmp_path / "large", parts_of(index), "model-1", FRAMES + 1, exact_up_to)
    return LargeIndex(tmp_path / "large", "model-1")
