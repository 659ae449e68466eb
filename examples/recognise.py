#!/usr/bin/env python3
"""What do these clips say?

    python examples/recognise.py runs/demo/export/sign_encoder_bundle.zip clip.mp4 clip.npz

The first argument is a bundle or a run folder, the others are videos or files of landmarks.
"""

import sys

import signtalk


def main(model_path: str, *clips: str) -> None:
    """Print an answer a clip, with what a nurse may be shown."""
    with signtalk.load(model_path) as model:
        print(model)
        for clip, answer in zip(clips, model.recognize(list(clips)), strict=True):
            print(f"{clip}: {answer}")
            if answer.outcome == "choices":
                print("  one of these?", " / ".join(choice.sentence for choice in answer.choices))
            if answer.outcome == "not_sure":  # the best candidates are a hint, never an answer
                print("  could be:", " / ".join(candidate.sentence for candidate in answer.candidates[:3]))


if __name__ == "__main__":
    main(*sys.argv[1:])
