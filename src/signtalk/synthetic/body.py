"""The body of a made-up person: joint motion in, 169 points in shoulder widths out.

    Motion --pose_body--> points (T, 169, 3) --camera--> landmarks as a detector gives them

Everything works on all frames at once. The arms live in each hand's own-side frame (x away from the midline
on the hand's side, y up, z forward), so that left and right are the same computation; the body's frame is
the camera's: x right in the image, y down, z away from the camera, origin midway between the shoulders.
Proportions were set by hand to look like people seen by MediaPipe; no person was measured.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signtalk.landmarks.clip import FACE_INDICES, HOLISTIC, PARTS

Array = npt.NDArray[np.float64]

MAX_WRIST_BEND = np.radians(80)
HEAD_FORWARD = 0.12
"""How far the head's centre lies before the shoulders."""
_REACH = 1.35
"""Where a hand touches, in palm lengths from the wrist: the middle of the fingers."""
_SIDES = np.array([1.0, -1.0])
"""Image direction of each hand's own side: the signer's left hand is on the right of the image."""


@dataclass(frozen=True)
class Body:
    """Proportions in shoulder widths (the distance of the two shoulder landmarks).

    Attributes:
        upper_arm: shoulder to elbow.
        forearm: elbow to wrist.
        palm: wrist to the middle finger's knuckle.
        fingers: finger length, 1 is ordinary.
        head: size of the head, 1 is ordinary.
        neck: height of the head's centre above the shoulders.
        torso: shoulders to hips.
    """

    upper_arm: float = 0.86
    forearm: float = 0.76
    palm: float = 0.29
    fingers: float = 1.0
    head: float = 1.0
    neck: float = 0.55
    torso: float = 1.4


@dataclass(frozen=True)
class Motion:
    """What every joint does; axis 1 of the hands' arrays is left, right.

    Attributes:
        reach: (T, 2, 3) where the middle of the fingers shall be, own-side frame, shoulder widths.
        rotation: (T, 2, 4) unit quaternions w, x, y, z; the identity is fingers up, palm forward.
        fingers: (T, 2, 12) handshapes as in `lexicon.HANDSHAPES`.
        swivel: (T, 2) radians by which the elbow is raised sideways from its natural place.
        head: (T, 3) yaw, pitch and roll in radians.
        face: (T, 3) brows raised, mouth open, mouth wide; 0 relaxed, 1 full.
        torso: (T, 3) roll and yaw in radians, sideways shift in shoulder widths.
    """

    reach: Array
    rotation: Array
    fingers: Array
    swivel: Array
    head: Array
    face: Array
    torso: Array


def rotation_matrices(quaternions: Array) -> Array:
    """(..., 4) quaternions w, x, y, z, normalised here, to (..., 3, 3) matrices."""
    w, x, y, z = components(quaternions / np.linalg.norm(quaternions, axis=-1, keepdims=True))
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    matrices = np.empty((*w.shape, 3, 3))
    for i, row in enumerate(rows):
        for j, entries in enumerate(row):
            matrices[..., i, j] = entries
    return matrices


def components(vectors: Array) -> Array:
    """(C, ...) of (..., C), each component in one piece of memory: what is reckoned with them is fast."""
    return np.ascontiguousarray(np.moveaxis(vectors, -1, 0))


def _cross(a: Array, b: Array) -> Array:
    """`np.cross` of (..., 3) and (..., 3); that spends most of its time on which axis is meant."""
    ax, ay, az = a[..., 0], a[..., 1], a[..., 2]
    bx, by, bz = b[..., 0], b[..., 1], b[..., 2]
    product = np.empty(np.broadcast_shapes(a.shape, b.shape))
    product[..., 0] = ay * bz - az * by
    product[..., 1] = az * bx - ax * bz
    product[..., 2] = ax * by - ay * bx
    return product


def quaternion_product(a: Array, b: Array) -> Array:
    """(..., 4) rotation b followed by rotation a; either may be broadcast."""
    aw, ax, ay, az = (a[..., i] for i in range(4))
    bw, bx, by, bz = (b[..., i] for i in range(4))
    product = np.empty(np.broadcast_shapes(a.shape, b.shape))
    product[..., 0] = aw * bw - ax * bx - ay * by - az * bz
    product[..., 1] = aw * bx + ax * bw + ay * bz - az * by
    product[..., 2] = aw * by - ax * bz + ay * bw + az * bx
    product[..., 3] = aw * bz + ax * by - ay * bx + az * bw
    return product


def hand_quaternion(fingers: npt.ArrayLike, palm: npt.ArrayLike) -> Array:
    """(4,) rotation of a hand whose fingers point along `fingers` and whose palm faces about along `palm`."""
    along = np.asarray(fingers, dtype=np.float64) / np.linalg.norm(fingers)
    facing = np.asarray(palm, dtype=np.float64) - (along @ np.asarray(palm)) * along
    facing /= np.linalg.norm(facing)
    m = np.stack([_cross(along, facing), along, facing], axis=1)
    # This matrix is 4 q q^T: every row is the quaternion, the one with the largest diagonal the most exact.
    k = np.array(
        [
            [1 + m[0, 0] + m[1, 1] + m[2, 2], m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]],
            [m[2, 1] - m[1, 2], 1 + m[0, 0] - m[1, 1] - m[2, 2], m[0, 1] + m[1, 0], m[0, 2] + m[2, 0]],
            [m[0, 2] - m[2, 0], m[0, 1] + m[1, 0], 1 - m[0, 0] + m[1, 1] - m[2, 2], m[1, 2] + m[2, 1]],
            [m[1, 0] - m[0, 1], m[0, 2] + m[2, 0], m[1, 2] + m[2, 1], 1 - m[0, 0] - m[1, 1] + m[2, 2]],
        ]
    )
    best = k[np.argmax(np.diag(k))]
    return np.asarray(best / np.linalg.norm(best), dtype=np.float64)


def euler_matrices(yaw: npt.ArrayLike, pitch: npt.ArrayLike, roll: npt.ArrayLike) -> Array:
    """(..., 3, 3) rotation by roll about z, then pitch about x, then yaw about y, in radians.

    Args:
        yaw: about y, radians, any shape.
        pitch: about x, radians, of a shape that fits.
        roll: about z, radians, likewise.
    """
    half = [np.asarray(angle, dtype=np.float64) / 2 for angle in (yaw, pitch, roll)]
    cy, cp, cr = (np.cos(h) for h in half)
    sy, sp, sr = (np.sin(h) for h in half)
    q = (
        cy * cp * cr + sy * sp * sr,
        cy * sp * cr + sy * cp * sr,
        sy * cp * cr - cy * sp * sr,
        cy * cp * sr - sy * sp * cr,
    )
    return rotation_matrices(np.stack(np.broadcast_arrays(*q), axis=-1))


def solve_arm(body: Body, target: Array, swivel: Array) -> tuple[Array, Array]:
    """Two-bone inverse kinematics: where elbow and wrist are when the wrist goes for `target`.

    Args:
        body: gives the two bones' lengths.
        target: (..., 3) own-side frame; a point out of reach is approached as far as the arm goes.
        swivel: (...) radians about the line from shoulder to wrist.

    Returns:
        Elbow and wrist, (..., 3) each, both bones at their exact length.
    """
    shoulder = np.array([0.5, 0.0, 0.0])
    offset = target - shoulder
    length = np.linalg.norm(offset, axis=-1, keepdims=True)
    axis = offset / np.maximum(length, 1e-6)
    longest = body.upper_arm + body.forearm
    length = np.clip(length, abs(body.upper_arm - body.forearm) + 0.05, 0.995 * longest)
    along = (body.upper_arm**2 - body.forearm**2 + length**2) / (2 * length)
    radius = np.sqrt(np.maximum(body.upper_arm**2 - along**2, 0))
    pole = np.array([0.45, -1.0, -0.2])
    down = pole - (axis @ pole)[..., None] * axis
    down /= np.maximum(np.linalg.norm(down, axis=-1, keepdims=True), 1e-6)
    sideways = _cross(down, axis)
    bend = np.cos(swivel)[..., None] * down + np.sin(swivel)[..., None] * sideways
    return shoulder + along * axis + radius * bend, shoulder + length * axis


def limit_bend(rotation: Array, forearm: Array) -> Array:
    """Turn a hand back until its fingers deviate at most MAX_WRIST_BEND from the forearm's direction.

    Args:
        rotation: (..., 3, 3) hand orientation, columns outward side, fingers, palm.
        forearm: (..., 3) unit direction from elbow to wrist.
    """
    fingers = rotation[..., :, 1]
    cosine = np.clip((fingers * forearm).sum(axis=-1), -1, 1)
    excess = np.maximum(np.arccos(cosine) - MAX_WRIST_BEND, 0) / 2
    axis = _cross(fingers, forearm)
    axis /= np.maximum(np.linalg.norm(axis, axis=-1, keepdims=True), 1e-6)
    back = np.concatenate([np.cos(excess)[..., None], np.sin(excess)[..., None] * axis], axis=-1)
    return rotation_matrices(back) @ rotation


# Knuckles of index, middle, ring and little finger (outward side, along the fingers), and the three bones of
# each finger, in palm lengths; spread angles in radians when fully spread.
_KNUCKLES = np.array([[-0.27, 0.97, 0.0], [-0.04, 1.0, 0.0], [0.17, 0.94, 0.0], [0.36, 0.84, 0.0]])
_BONES = np.array([[0.46, 0.28, 0.22], [0.51, 0.32, 0.23], [0.47, 0.3, 0.23], [0.37, 0.22, 0.2]])
_SPREAD = np.array([-0.26, -0.06, 0.14, 0.36])
_THUMB_BASE = np.array([-0.2, 0.22, 0.06])
_THUMB_BONES = np.array([0.38, 0.33, 0.27])


def pose_hands(body: Body, wrists: Array, rotation: Array, shapes: Array) -> Array:
    """Forward kinematics of the fingers.

    Args:
        body: gives palm and finger lengths.
        wrists: (T, 2, 3).
        rotation: (T, 2, 3, 3) hand orientations.
        shapes: (T, 2, 12) handshapes.

    Returns:
        (T, 2, 21, 3) own-side frame, in MediaPipe's order: wrist, thumb, index, middle, ring, little finger.
    """
    frames = shapes.shape[:2]
    knuckle, middle = shapes[..., 0:8:2] * (np.pi / 2), shapes[..., 1:8:2] * 1.85
    bends = np.stack([knuckle, knuckle + middle, knuckle + 1.6 * middle], axis=-1)
    aside = shapes[..., 8:9] * _SPREAD * np.cos(knuckle)
    straight = np.stack([np.sin(aside), np.cos(aside), np.zeros_like(aside)], axis=-1)
    bones = np.cos(bends)[..., None] * straight[..., None, :] + np.sin(bends)[..., None] * np.array([0.0, 0.0, 1.0])
    joints = _KNUCKLES[:, None] + np.cumsum(bones * (_BONES * body.fingers)[..., None], axis=-2)
    fingers = np.concatenate([np.broadcast_to(_KNUCKLES[:, None], (*frames, 4, 1, 3)), joints], axis=-2)
    apart, oppose, curl = np.moveaxis(shapes[..., 9:12], -1, 0)
    angle = apart * 1.25
    start = np.stack([-np.sin(angle), np.cos(angle), 0.9 * oppose], axis=-1)
    inward = np.stack([0.9 * curl, 0.1 * curl, 0.35 * curl], axis=-1)
    thumb_bones = start[..., None, :] + inward[..., None, :] * np.array([0.0, 0.8, 1.6])[:, None]
    thumb_bones /= np.linalg.norm(thumb_bones, axis=-1, keepdims=True)
    thumb = _THUMB_BASE + np.cumsum(thumb_bones * (_THUMB_BONES * body.fingers)[:, None], axis=-2)
    base = np.broadcast_to(_THUMB_BASE, (*frames, 1, 3))
    local = np.concatenate([np.zeros((*frames, 1, 3)), base, thumb, fingers.reshape(*frames, 16, 3)], axis=-2)
    placed: Array = wrists[..., None, :] + local * body.palm @ np.swapaxes(rotation, -1, -2)
    return placed


# |x|, y of face mesh points by index, from the head's centre, y down, in shoulder widths of an ordinary head.
# A partner on the other side has the same entry, so that FACE_PAIRS mirror each other.
_FACE_FEATURES: dict[int, tuple[float, float]] = {
    0: (0, 0.145), 5: (0, 0.02), 10: (0, -0.27), 15: (0, 0.178), 175: (0, 0.31), 195: (0, -0.02), 200: (0, 0.26),
    70: (0.155, -0.165), 55: (0.035, -0.155), 65: (0.075, -0.178), 105: (0.115, -0.185), 145: (0.08, -0.085),
    155: (0.06, -0.088), 160: (0.09, -0.115), 380: (0.07, -0.085), 385: (0.075, -0.115), 390: (0.105, -0.09),
    40: (0.045, 0.147), 80: (0.03, 0.163), 185: (0.065, 0.156), 95: (0.05, 0.172), 180: (0.03, 0.198),
    405: (0.03, 0.198), 415: (0.05, 0.168), 375: (0.062, 0.18), 320: (0.045, 0.19), 45: (0.022, 0.035),
    275: (0.022, 0.035), 220: (0.035, 0.03), 440: (0.035, 0.03), 115: (0.05, 0.05), 150: (0.12, 0.265),
    365: (0.125, 0.26), 400: (0.06, 0.31), 300: (0.155, -0.165), 285: (0.035, -0.155), 295: (0.075, -0.178),
    270: (0.045, 0.147), 310: (0.03, 0.163),
}  # fmt: skip
_BROWS = (70, 55, 65, 105, 300, 285, 295)
_LOWER_LIP = (15, 95, 180, 405, 375, 320)
_LIPS = (0, 15, 40, 80, 185, 95, 180, 405, 415, 375, 320, 270, 310)
_HEAD_POSE = np.array(
    [(0, 0.03), (0.06, -0.1), (0.105, -0.1), (0.15, -0.1), (-0.06, -0.1), (-0.105, -0.1), (-0.15, -0.1)]
)


def _surface(xy: Array) -> Array:
    """(..., 2) places on the face to (..., 3): an ellipsoid with a nose."""
    x, y = xy[..., 0], xy[..., 1]
    bulge = np.sqrt(np.maximum(1 - (x / 0.23) ** 2 - (y / 0.5) ** 2, 0.05))
    nose = 0.09 * np.exp(-((x / 0.03) ** 2) - (np.where(y > 0.02, (y - 0.02) / 0.03, (y - 0.02) / 0.07)) ** 2)
    return np.concatenate([xy, (-0.26 * bulge - nose)[..., None]], axis=-1)


def _face_template() -> Array:
    """(105, 3) head frame: the 11 pose points of the head, then the 94 mesh points.

    Mesh numbers below 245 lie on the signer's right, the left of the image.
    """
    spots = []
    for number, index in enumerate(FACE_INDICES):
        turn, ring = 2.399963 * number, np.sqrt((number + 0.5) / len(FACE_INDICES))  # sunflower: even cover
        filler = (0.19 * ring * abs(np.sin(turn)), 0.02 + 0.27 * ring * np.cos(turn))
        x, y = _FACE_FEATURES.get(index, filler)
        spots.append((-x if index < 245 else x, y))
    ears = np.array([[0.2, -0.02, 0.0], [-0.2, -0.02, 0.0]])
    mouth = _surface(np.array([[0.08, 0.17], [-0.08, 0.17]]))
    return np.concatenate([_surface(_HEAD_POSE), ears, mouth, _surface(np.array(spots))])


_TEMPLATE = _face_template()
_MESH_AT = {index: 11 + i for i, index in enumerate(FACE_INDICES)}


def pose_head(body: Body, head: Array, face: Array) -> Array:
    """(T, 105, 3) body frame: the head's pose points and the face, from (T, 3) angles and (T, 3) expression.

    Args:
        body: the person.
        head: (T, 3) yaw, pitch and roll in radians.
        face: (T, 3) expression.
    """
    points = np.repeat(_TEMPLATE[None], len(head), axis=0)
    points[:, [_MESH_AT[i] for i in _BROWS], 1] -= 0.03 * face[:, :1]
    points[:, [_MESH_AT[i] for i in _LOWER_LIP], 1] += 0.06 * np.maximum(face[:, 1:2], 0)
    points[:, [9, 10, *(_MESH_AT[i] for i in _LIPS)], 0] *= 1 + 0.25 * face[:, 2:3]
    turn = np.swapaxes(euler_matrices(head[:, 0], head[:, 1], head[:, 2]), -1, -2)
    pivot = np.array([0.0, 0.3, 0.05])  # the head turns about the top of the neck, not about its centre
    centre = np.array([0.0, -body.neck, -HEAD_FORWARD])
    points *= body.head
    points -= pivot
    posed: Array = points @ turn
    posed += pivot
    posed += centre
    return posed


def pose_body(body: Body, motion: Motion) -> Array:
    """All landmarks of a moving person.

    Returns:
        (T, 169, 3) body frame, shoulder widths, HOLISTIC order; the legs are NaN, for no camera sees them.
    """
    num_frames = len(motion.reach)
    rotation = rotation_matrices(motion.rotation)
    target = motion.reach - _REACH * body.palm * rotation[..., :, 1]
    elbows, wrists = solve_arm(body, target, motion.swivel)
    forearm = (wrists - elbows) / body.forearm
    hands = pose_hands(body, wrists, limit_bend(rotation, forearm), motion.fingers)
    to_image = np.stack([_SIDES, -np.ones(2), -np.ones(2)], axis=-1)
    elbows, hands = elbows * to_image, hands * to_image[:, None]
    points = np.full((num_frames, len(HOLISTIC.names), 3), np.nan)
    head = pose_head(body, motion.head, motion.face)
    points[:, :11], points[:, PARTS["face"]] = head[:, :11], head[:, 11:]
    points[:, 11:13] = np.array([[0.5, 0, 0], [-0.5, 0, 0]])
    points[:, 13:15], points[:, 15:17] = elbows, hands[:, :, 0]
    for first, joint in ((17, 18), (19, 6), (21, 3)):
        points[:, first : first + 2] = hands[:, :, joint]
    points[:, PARTS["left_hand"]], points[:, PARTS["right_hand"]] = hands[:, 0], hands[:, 1]
    roll, yaw, shift = motion.torso.T
    swing = np.swapaxes(euler_matrices(yaw, np.zeros(num_frames), roll), -1, -2)
    hip = np.array([0.0, body.torso, 0.05])
    points -= hip
    points = points @ swing
    points += hip
    points[..., 0] += shift[:, None]
    points[:, 23:25] = hip + np.array([[0.36, 0, 0], [-0.36, 0, 0]])
    return points
