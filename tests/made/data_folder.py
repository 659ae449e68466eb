"""A data folder of made-up clips."""

from pathlib import Path

from made.points import made_clip
from signtalk.data.manifest import ClipRecord, Manifest, describe_clip, load_manifest, write_manifest
from signtalk.landmarks.clip import save_clip

TEXTS = ("Good morning, doctor", "Où? / weiß: nicht?", "../../etc", "null")


def data_folder(folder: Path) -> Manifest:
    """Two signers with every text and an idle clip, in odd shapes and rates."""
    records = []
    for i, (text, who) in enumerate((text, who) for text in (*TEXTS, "") for who in "AB"):
        clip = made_clip(num_frames=5 + i, fps=20 + i, seed=i)
        path = folder / "clips" / f"{i}.npz"
        save_clip(path, clip)
        numbers = describe_clip(clip)
        records.append(
            ClipRecord(
                clip_id=f"{i}",
                video_file=f"{i}.mp4",
                feature_path=path,
                sentence_id=f"s{i // 2}",
                sentence=text,
                category="odd",
                signer_id=who,
                variations=(text, "other words") if text else (),
                fps=clip.fps,
                is_idle=not text,
                session="May",
                **vars(numbers),
            )
        )
    write_manifest(folder, records)
    return load_manifest(folder)
