"""A film for Chromium's fake camera: a real video of signing where there is one, else moving grey shapes."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

WIDTH, HEIGHT = 640, 480
FPS = 5
"""A third of the film's own: software finds few frames a second, and a sign has to be seen in enough of them."""


def write_camera(path: Path, video: Path | None) -> None:
    """Write `path` (.y4m), endlessly repeated by the browser."""
    frames = _of_video(video) if video is not None else _made_up()
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{FPS}:1 Ip A1:1 C420jpeg\n".encode())
        for frame in frames:
            file.write(b"FRAME\n" + frame.tobytes())


def _of_video(video: Path) -> Iterator[npt.NDArray[np.uint8]]:
    """Every other frame, scaled to the camera's height, grey at both sides."""
    import av

    with av.open(str(video)) as container:
        for i, frame in enumerate(container.decode(video=0)):
            if i % 2:
                continue
            wide = round(frame.width * HEIGHT / frame.height / 16) * 16
            if wide > WIDTH:
                raise ValueError(f"{video}: wider than 4:3")
            small = frame.reformat(width=wide, height=HEIGHT, format="yuv420p").to_ndarray()
            yield _padded(small, wide)


def _padded(planes: npt.NDArray[np.uint8], wide: int) -> npt.NDArray[np.uint8]:
    whole, quarter = HEIGHT * wide, HEIGHT * wide // 4
    flat, parts = planes.reshape(-1), []
    for start, size, width in ((0, whole, WIDTH), (whole, quarter, WIDTH // 2), (whole + quarter, quarter, WIDTH // 2)):
        narrow = wide * width // WIDTH
        plane = flat[start : start + size].reshape(-1, narrow)
        left = (width - narrow) // 2
        parts.append(np.pad(plane, ((0, 0), (left, width - narrow - left)), constant_values=128).reshape(-1))
    return np.concatenate(parts)


def _made_up() -> Iterator[npt.NDArray[np.uint8]]:
    for i in range(30):
        picture = np.full((HEIGHT, WIDTH), 90, dtype=np.uint8)
        picture[100:300, 100 + 4 * i : 200 + 4 * i] = 200
        yield np.concatenate([picture.reshape(-1), np.full(HEIGHT * WIDTH // 2, 128, dtype=np.uint8)])
