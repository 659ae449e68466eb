"""What is recorded in tests; as a program it records without end: `python tests/made/recording.py FOLDER`."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from made.taught import signed
from signtalk.landmarks.clip import LandmarkClip, regular_timestamps
from signtalk.service.recording import Prompt, PromptedTake, RecordingFolder

PROMPTS = (Prompt("1", "Where does it hurt?", "pain"), Prompt("2", "The pump beeps"))
FORM = "I agree."


def signed_take(number: int) -> LandmarkClip:
    """A clip of a second in which hands are seen."""
    clip = signed(number)
    return LandmarkClip(clip.landmarks, clip.visibility, regular_timestamps(clip.num_frames, 24.0), 4 / 3)


def say(words: str) -> None:
    """A line that is out before the next thing is done."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def record_without_end(folder: Path) -> None:
    """Say each take that is kept, and "-" before each that is deleted again."""
    recording = RecordingFolder(folder, PROMPTS, FORM)
    recording.agree("s01")
    for number in range(1000):
        say(recording.add(PromptedTake(number % 2, "s01", "today"), signed_take(number)).clip_id)
        if number % 5 == 4 and (gone := recording.remove_last(number % 2, "s01")):
            say(f"- {gone.clip_id}")


if __name__ == "__main__":
    record_without_end(Path(sys.argv[1]))
