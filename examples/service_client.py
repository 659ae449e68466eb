#!/usr/bin/env python3
"""Ask a running service what a clip says; needs NumPy alone, not SignTalk.

    signtalk serve sign_encoder_bundle.zip &
    python examples/service_client.py http://localhost:8000 clip.npz

docs/protocol.md tells the whole protocol.
"""

import json
import struct
import sys
import urllib.request

import numpy as np

FRAME = np.dtype([("time_s", "<f8"), ("landmarks", "<f4", (169, 3)), ("visibility", "<f4", (33,))])


def clip_bytes(path: str) -> bytes:
    """A clip file of SignTalk as the service takes it: a header, then 2,168 bytes a frame."""
    with np.load(path, allow_pickle=False) as clip:
        frames = np.zeros(len(clip["landmarks"]), dtype=FRAME)
        frames["time_s"] = clip["timestamps_s"]
        frames["landmarks"] = clip["landmarks"]
        frames["visibility"] = clip["visibility"]
        aspect = float(clip["aspect"])
    return struct.pack("<4sIf", b"SGT1", len(frames), aspect) + frames.tobytes()


def ask(service: str, clip: bytes) -> dict:
    """The answer of `/v1/recognize`."""
    headers = {"Content-Type": "application/vnd.signtalk.clip"}
    request = urllib.request.Request(f"{service}/v1/recognize?candidates=3", clip, headers)
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def main(service: str, path: str) -> None:
    """Show `text` alone as what the person said."""
    answer = ask(service, clip_bytes(path))
    if answer["outcome"] == "answer":
        print(f"{answer['text']} ({answer['confidence']:.2f})")
    elif answer["outcome"] == "choices":
        print("one of these?", " / ".join(choice["sentence"] for choice in answer["choices"]))
    else:
        print("not sure:", answer["reason"])


if __name__ == "__main__":
    main(*sys.argv[1:])
