#!/usr/bin/env python3
"""The picture of an answer in the README: what `signtalk recognize` prints, below the clips that it was asked.

    make demo && python docs/pictures/make_answer.py runs/demo        # writes docs/pictures/answer.svg

The clips are made up: one of a sentence that the demo's model knows, one that it does not know, one of rest.
"""

from __future__ import annotations

import base64
import io
import os
import re
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console

from signtalk import read_clip
from signtalk.cli import console
from signtalk.data.manifest import load_manifest
from signtalk.data.splits import Split
from signtalk.landmarks.clip import LandmarkClip, save_clip
from signtalk.landmarks.drawing import SkeletonPanel

PICTURE = Path(__file__).resolve().parent / "answer.svg"
ROLES = {"known": "test", "unknown": "test_unknown", "resting": "test_idle"}
COLUMNS = 76


def busiest_frame(clip: LandmarkClip) -> int:
    """The frame in which the wrists are highest: there the hands can be seen."""
    height = np.nanmin(clip.landmarks[:, 15:17, 1], axis=1)
    return int(np.nanargmin(height))


def skeletons(clips: dict[str, LandmarkClip]) -> Image.Image:
    """One frame of each clip, side by side, its name below."""
    pictures = []
    for name, clip in clips.items():
        times = clip.timestamps_s - clip.timestamps_s[0]
        pictures.append(Image.fromarray(SkeletonPanel(clip, name).picture(float(times[busiest_frame(clip)]))))
    strip = Image.new("RGB", (sum(each.width for each in pictures), pictures[0].height), "white")
    for place, picture in enumerate(pictures):
        strip.paste(picture, (place * picture.width, 0))
    return strip


def printed(folder: Path, names: list[str], bundle: Path) -> str:
    """What the command prints for files of that folder, as SVG without a font from elsewhere."""
    from signtalk.cli.main import app

    recorder = Console(record=True, width=COLUMNS, file=io.StringIO(), markup=False, emoji=False, force_terminal=True)
    console.out_console.__dict__.update(recorder.__dict__)
    os.chdir(folder)
    app(["recognize", *names, "--bundle", str(bundle)], standalone_mode=False)
    console.out_console.width = COLUMNS + 2  # room for fonts that are wider than rich's own
    title = f"$ signtalk recognize {' '.join(names)} --bundle {bundle.name}"
    svg = console.out_console.export_svg(title=title)
    return re.sub(r"@font-face\s*{[^}]*}", "", svg).replace("Fira Code", "monospace")


def joined(strip: Image.Image, terminal: str) -> str:
    """The skeletons above the terminal, as one SVG."""
    width, height = map(float, re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', terminal).groups())  # type: ignore[union-attr]
    top = width * strip.height / strip.width
    png = io.BytesIO()
    strip.quantize(64).save(png, "PNG", optimize=True)
    data = base64.b64encode(png.getvalue()).decode()
    inner = terminal.replace("<svg ", f'<svg y="{top:.1f}" width="{width}" height="{height}" ', 1)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {top + height:.1f}">\n'
        f'<image width="{width}" height="{top:.1f}" href="data:image/png;base64,{data}"/>\n{inner}</svg>\n'
    )


def main(demo: Path) -> None:
    """Draw the first clip of each kind that the demo holds."""
    manifest = load_manifest(demo / "data")
    split = Split.load(demo / "run" / "split.json", manifest)
    records = {kind: manifest.select(split.clips(role)[:1])[0] for kind, role in ROLES.items()}
    folder = demo.resolve() / "picture"
    folder.mkdir(exist_ok=True)
    clips = {}
    for kind, record in records.items():
        clips[kind] = read_clip(record.feature_path)
        save_clip(folder / f"{kind}.npz", clips[kind])
    bundle = demo.resolve() / "export" / "sign_encoder_bundle.zip"
    terminal = printed(folder, [f"{kind}.npz" for kind in clips], bundle)
    PICTURE.write_text(joined(skeletons(clips), terminal), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
