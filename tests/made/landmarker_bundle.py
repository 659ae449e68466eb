"""A made-up landmarker's model bundle."""

import zipfile

NAMES = (
    "face_blendshapes", "face_detector", "face_landmarks_detector", "hand_landmarks_detector", "hand_roi_refinement",
    "pose_detector", "pose_landmarks_detector",
)  # fmt: skip


def made_bundle(path, names=NAMES):
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(f"{name}.tflite", name.encode() * 100)
    return path
