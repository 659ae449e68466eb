"""The child process of extraction with the made-up landmarker; an argument gives seconds a frame."""

import sys

from made_videos import RedSquareLandmarker
from signtalk.extraction_worker import serve

if __name__ == "__main__":
    serve(lambda: RedSquareLandmarker(float(sys.argv[1]) if len(sys.argv) > 1 else 0.0))
