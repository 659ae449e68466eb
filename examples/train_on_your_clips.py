#!/usr/bin/env python3
"""From a data folder of your own to a model that you can ship.

    python examples/train_on_your_clips.py DATA runs/mine --test-signer E

DATA holds `processed_metadata.csv` and a landmark file a clip; `signtalk extract VIDEOS --out DATA` makes one.
Needs `pip install '.[train,export]'`. A thousand clips take about ten minutes on two cores.
"""

import argparse
from pathlib import Path

import signtalk


def main() -> None:
    """Train, index, measure on a signer that training never saw, and export."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path, help="run folder to make")
    parser.add_argument("--test-signer", default=(), help="whom to keep for the test")
    parser.add_argument("--recipe", help="by default that of the base, where clips show hands")
    parser.add_argument("--epochs", type=int)
    options = parser.parse_args()

    run = signtalk.train(
        options.data, options.out, recipe=options.recipe, epochs=options.epochs, test_signer=options.test_signer
    )
    run.index()  # references, scores and the gate, fitted on validation clips
    run.evaluate()  # report.html, report.json and pictures in the run folder
    print("report:", options.out / "report")
    exported = run.export(options.out / "shipped")
    print("bundle:", exported.bundle)
    with signtalk.load(exported.bundle) as model:
        print(model)


if __name__ == "__main__":
    main()
