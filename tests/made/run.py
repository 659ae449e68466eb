"""An extraction with the made-up landmarker as a program of its own, for tests that kill it."""

import sys
from pathlib import Path

from made.videos import WORKER
from signtalk.extraction.inputs import plan_extraction
from signtalk.extraction.run import RunOptions, extract_videos
from signtalk.extraction.worker import GuardConfig

if __name__ == "__main__":
    videos, out, workers, frame_s = sys.argv[1:]
    guard = GuardConfig(command=(sys.executable, str(WORKER), frame_s))
    extract_videos(plan_extraction(Path(videos)), RunOptions(Path(out), guard=guard, prototype=True), int(workers))
