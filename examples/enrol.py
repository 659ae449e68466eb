#!/usr/bin/env python3
"""Teach a sentence from one to three clips; nothing is trained.

    python examples/enrol.py sign_encoder_bundle.zip ward-3 "The pump beeps" query.npz a.npz b.npz

`ward-3` is the folder of the personal index, `query.npz` a clip that is asked afterwards, and `a.npz b.npz` are the
clips that teach the sentence.
"""

import sys

import signtalk


def main(model_path: str, index: str, text: str, query: str, *clips: str) -> None:
    """Enrol, ask, and show how to take it back."""
    with signtalk.load(model_path, index=index) as model:
        print("before:", model.recognize(query))
        enrolled = model.enroll(text, list(clips), signer="me")
        print(f"'{enrolled.sentence}' now has {enrolled.num_references} clips")
        for warning in enrolled.warnings:
            print("mind:", warning)
        print("after: ", model.recognize(query))
        # What is in the folder stays there for the next program. To take it back:
        model.forget(text)
        print("forgotten:", model.recognize(query))


if __name__ == "__main__":
    main(*sys.argv[1:])
