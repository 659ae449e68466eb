"""Made-up clip records for tests that need a table and no landmarks."""

from collections.abc import Iterable
from pathlib import Path

from signtalk.data.manifest import ClipRecord, Manifest


def made_record(sentence: str, signer: str, take: int = 0, idle: bool = False) -> ClipRecord:
    clip_id = f"{sentence or 'rest'}-{signer}-{take}"
    return ClipRecord(
        clip_id=clip_id,
        video_file=f"{clip_id}.mp4",
        feature_path=Path(f"/nowhere/{clip_id}.npy"),
        sentence_id=sentence,
        sentence="" if idle else sentence,
        category="",
        signer_id=signer,
        variations=(),
        num_frames=60,
        fps=30.0,
        motion_mean=2.0,
        motion_p95=4.0,
        mean_visibility=0.9,
        is_idle=idle,
        session="",
    )


def made_manifest(records: Iterable[ClipRecord]) -> Manifest:
    return Manifest(root=Path("/nowhere"), records=tuple(records), problems=())


def full_grid(sentences: int, signers: str, takes: int = 1, idle: int = 0) -> list[ClipRecord]:
    """Every signer (a letter) signs every sentence `takes` times and rests `idle` times."""
    signed = [made_record(f"s{i}", who, take) for i in range(sentences) for who in signers for take in range(takes)]
    return signed + [made_record("", who, take, idle=True) for who in signers for take in range(idle)]
