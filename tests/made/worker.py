"""The child process of extraction with the made-up landmarker.

Arguments: seconds a frame; and anything more, for which a `CRASH` frame ends the guard's process as well.
"""

import sys

from made.videos import RedSquareLandmarker
from signtalk.extraction.worker import serve_tasks

if __name__ == "__main__":
    frame_s = float(sys.argv[1]) if len(sys.argv) > 1 else 0.0
    serve_tasks(lambda: RedSquareLandmarker(frame_s, kills_guard=len(sys.argv) > 2))
