"""A personal index as SignTalk wrote it before clips were kept: version 2 of the format, without a table of takes."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from signtalk.landmarks.clip import LandmarkClip
from signtalk.recognition.enrolment import encode_clips
from signtalk.recognition.recognizer import Recognizer

COLUMNS = "video_file,feature_path,sentence_id,sentence,category,clip_id,signer_id,text_key,kind"


def write_old_index(folder: Path, model: Recognizer, taught: Mapping[str, tuple[str, LandmarkClip]]) -> None:
    """Write the files of that version by hand.

    Args:
        folder: to be made.
        model: whose vectors they are.
        taught: by the name of its file, what a clip says and the clip; of a sentence one clip.
    """
    folder.mkdir()
    rows, embeddings, projections = [COLUMNS], [], []
    for name, (sentence, clip) in taught.items():
        key = sentence.lower()
        encoded = encode_clips(model, {name: clip}).encoded
        frames = encoded.projections[0][encoded.memory_valid[0]].astype(np.float16)
        digest = hashlib.sha256(frames.tobytes().hex().encode()).hexdigest()[:8]
        sentence_id = f"enrolled-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
        rows.append(f",{name},{sentence_id},{sentence},ward,{Path(name).stem}-{digest},s07,{key},clip")
        embeddings.append(encoded.embeddings[0])
        projections.append(frames)
    lengths = np.array([len(frames) for frames in projections], dtype=np.int64)
    padded = np.zeros((len(rows) - 1, lengths.max(), projections[0].shape[1]), dtype=np.float16)
    for row, frames in enumerate(projections):
        padded[row, : len(frames)] = frames
    np.save(folder / "embeddings.npy", np.stack(embeddings))
    np.save(folder / "projections.npy", padded)
    np.save(folder / "projection_lengths.npy", lengths)
    (folder / "embeddings_map.csv").write_text("\n".join(rows) + "\n")
    width = len(embeddings[0])
    with (folder / "prototypes.npz").open("wb") as file:
        np.savez(
            file, sentence_ids=np.zeros(0, dtype="<U1"), embeddings=np.zeros((0, width), dtype=np.float32),
            counts=np.zeros(0, dtype=np.int64),
        )  # fmt: skip
    header = {
        "format_version": 2, "encoder_id": model.index.encoder_id, "num_references": len(lengths), "num_prototypes": 0,
        "embedding_width": width, "projection_width": padded.shape[2],
        "files": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()},
    }  # fmt: skip
    (folder / "index.json").write_text(json.dumps(header))
