"""Which points of other detectors are which of MediaPipe's: OpenPose and COCO WholeBody in `.pose` and JSON files.

    name of a component, name of a point -> TARGETS -> parts and positions as MediaPipe numbers them

The hands of all three number their 21 points alike. Of the face only points are taken that mean the same place of
the mesh; hand points of the body and the irises have no counterpart.
"""

from __future__ import annotations

from collections.abc import Sequence

from signtalk.landmarks.clip import POSE_NAMES

Targets = dict[str, tuple[tuple[str, int], ...]]
"""By the name of a point: our parts, and the position in each; a wrist may be that of body and hand."""

_FACE = {17: 70, 21: 55, 22: 285, 26: 300, 29: 5, 49: 40, 51: 0, 53: 270, 61: 80, 63: 310}
"""Of the 68 points of a face (brows, nose, lips), those whose places the mesh has among the points that are kept."""
_OPENPOSE_BODY = {
    "Nose": "nose", "REye": "right_eye", "LEye": "left_eye", "REar": "right_ear", "LEar": "left_ear",
    "RShoulder": "right_shoulder", "LShoulder": "left_shoulder", "RElbow": "right_elbow", "LElbow": "left_elbow",
    "RWrist": "right_wrist", "LWrist": "left_wrist", "RHip": "right_hip", "LHip": "left_hip", "RKnee": "right_knee",
    "LKnee": "left_knee", "RAnkle": "right_ankle", "LAnkle": "left_ankle", "RHeel": "right_heel", "LHeel": "left_heel",
    "RBigToe": "right_foot_index", "LBigToe": "left_foot_index",
}  # fmt: skip
OPENPOSE_25 = (
    "Nose", "Neck", "RShoulder", "RElbow", "RWrist", "LShoulder", "LElbow", "LWrist", "MidHip", "RHip", "RKnee",
    "RAnkle", "LHip", "LKnee", "LAnkle", "REye", "LEye", "REar", "LEar", "LBigToe", "LSmallToe", "LHeel", "RBigToe",
    "RSmallToe", "RHeel",
)  # fmt: skip
"""The points of OpenPose's body in the order of its JSON, model BODY_25."""
OPENPOSE_18 = (
    "Nose", "Neck", "RShoulder", "RElbow", "RWrist", "LShoulder", "LElbow", "LWrist", "RHip", "RKnee", "RAnkle",
    "LHip", "LKnee", "LAnkle", "REye", "LEye", "REar", "LEar",
)  # fmt: skip
"""Likewise, model COCO."""
OPENPOSE_FACE = tuple(f"FB_{number}" for number in range(70))
OPENPOSE_HAND = (
    "BASE", "T_STT", "T_BCMC", "T_MCP", "T_IP", "I_CMC", "I_MCP", "I_PIP", "I_DIP", "M_CMC", "M_MCP", "M_PIP", "M_DIP",
    "R_CMC", "R_MCP", "R_PIP", "R_DIP", "P_CMC", "P_MCP", "P_PIP", "P_DIP",
)  # fmt: skip
_BODY_135_FINGERS = (
    *("Thumb1CMC", "Thumb2Knuckles", "Thumb3IP", "Thumb4FingerTip"),
    *(
        f"{finger}{joint}"
        for finger in ("Index", "Middle", "Ring", "Pinky")
        for joint in ("1Knuckles", "2PIP", "3DIP", "4FingerTip")
    ),
)
_BODY_135_FACE = {"REyeBrow0": 17, "REyeBrow4": 21, "LEyeBrow4": 22, "LEyeBrow0": 26, "NoseUpper2": 29, "OMouth1": 49,
                  "OMouth3": 51, "OMouth5": 53, "IMouth1": 61, "IMouth3": 63}  # fmt: skip


def _pose(name: str) -> tuple[str, int]:
    return "pose", POSE_NAMES.index(name)


def _hand(part: str, names: Sequence[str]) -> Targets:
    return {name: ((part, number),) for number, name in enumerate(names)}


def _face(prefixes: Sequence[str]) -> Targets:
    return {f"{prefix}{number}": (("face", mesh),) for number, mesh in _FACE.items() for prefix in prefixes}


_OPENPOSE: Targets = {theirs: (_pose(ours),) for theirs, ours in _OPENPOSE_BODY.items()}
_COCO_HAND = tuple(f"hand_{number}" for number in range(21))
_COCO_BODY: Targets = {
    **{name: (_pose(name),) for name in POSE_NAMES},
    "left_big_toe": (_pose("left_foot_index"),),
    "right_big_toe": (_pose("right_foot_index"),),
}
_BODY_135: Targets = {
    **_OPENPOSE,
    **{
        f"{letter}{finger}": ((f"{side}_hand", number),)
        for letter, side in (("L", "left"), ("R", "right"))
        for number, finger in enumerate(_BODY_135_FINGERS, 1)
    },
    "LWrist": (_pose("left_wrist"), ("left_hand", 0)),
    "RWrist": (_pose("right_wrist"), ("right_hand", 0)),
    **{name: (("face", _FACE[number]),) for name, number in _BODY_135_FACE.items()},
}
TARGETS: dict[str, Targets] = {
    "pose_keypoints_2d": _OPENPOSE,
    "face_keypoints_2d": _face(("FB_", "FEB_", "FN_", "FE_", "FLO_", "FLI_")),
    "hand_left_keypoints_2d": _hand("left_hand", OPENPOSE_HAND),
    "hand_right_keypoints_2d": _hand("right_hand", OPENPOSE_HAND),
    "BODY_135": _BODY_135,
    "BODY": _COCO_BODY,
    "FACE": _face(("face-", "face_")),
    "LEFT_HAND": _hand("left_hand", _COCO_HAND),
    "RIGHT_HAND": _hand("right_hand", _COCO_HAND),
}
"""By the name of the component: OpenPose, OpenPose's whole body of 135 points, COCO WholeBody of 133."""
