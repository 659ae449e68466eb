"""A data folder of drawn signs: each sentence is a group of `synthetic.endless`, each person one of its people."""

from pathlib import Path

from signtalk.data.manifest import ClipRecord, Manifest, describe_clip, load_manifest, write_manifest
from signtalk.landmarks.clip import save_clip
from signtalk.synthetic.endless import EndlessConfig, draw_group


def drawn_folder(folder: Path, sentences: int, people: int, seed: int = 3) -> Manifest:
    """So many sentences by so many people, one clip each."""
    records = []
    for sentence in range(sentences):
        # Every second group, for its neighbour signs nearly the same.
        for person, drawn in enumerate(draw_group(EndlessConfig(seed=seed, people=people), 2 * sentence)):
            path = folder / "clips" / f"{sentence}-{person}.npz"
            save_clip(path, drawn.clip)
            records.append(
                ClipRecord(
                    clip_id=path.stem, video_file=f"{path.stem}.mp4", feature_path=path, sentence_id=f"s{sentence}",
                    sentence=f"sign {sentence}", category="", signer_id=f"p{person}", variations=(),
                    fps=drawn.clip.fps, is_idle=False, session="", **vars(describe_clip(drawn.clip)),
                )
            )  # fmt: skip
    write_manifest(folder, records)
    return load_manifest(folder)
