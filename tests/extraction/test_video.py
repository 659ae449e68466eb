import zipfile

import av
import numpy as np
import pytest

from made.videos import BLACK, HEIGHT, WIDTH, rotate_flag, signer_frame, signing, write_video
from signtalk.errors import ClipError
from signtalk.extraction.video import MAX_SIDE, VIDEO_SUFFIXES, read_frames, told_tracks, video_duration_s


def frames_of(path, **options):
    return list(read_frames(path, **options))


def red_centre(image):
    rows, columns = np.nonzero((image[..., 0] > 150) & (image[..., 1] < 110))
    return columns.mean() / image.shape[1], rows.mean() / image.shape[0]


def test_frames_come_with_their_times_and_pictures(tmp_path):
    path = write_video(tmp_path / "a.mp4", signing(12), fps=25)
    frames = frames_of(path)
    assert len(frames) == 12
    assert frames[0].image.shape == (HEIGHT, WIDTH, 3) and frames[0].image.dtype == np.uint8
    assert np.allclose([frame.timestamp_s for frame in frames], np.arange(12) / 25, atol=1e-3)
    assert red_centre(frames[0].image) == pytest.approx((0.4, 0.5), abs=0.03)
    assert video_duration_s(path) == pytest.approx(12 / 25, abs=0.05)


@pytest.mark.parametrize("fps", [5, 24, 60, 120])
def test_every_frame_of_any_usual_rate_is_kept(tmp_path, fps):
    frames = frames_of(write_video(tmp_path / "a.mp4", signing(20), fps=fps))
    assert len(frames) == 20
    assert np.allclose(np.diff([frame.timestamp_s for frame in frames]), 1 / fps, atol=1.1e-3)


def test_a_variable_frame_rate_keeps_its_times(tmp_path):
    times = [0, 33, 66, 200, 240, 500]
    frames = frames_of(write_video(tmp_path / "a.mkv", signing(6), times_ms=times))
    assert [round(frame.timestamp_s * 1000) for frame in frames] == times


def test_repeats_of_a_browser_recording_are_dropped(tmp_path):
    # Ten pictures, each shown five times a millisecond apart, in a file that claims 1000 frames a second.
    pictures = [signer_frame(0.1 + 0.08 * t) for t in range(10)]
    repeated = [picture for picture in pictures for _ in range(5)]
    times = [33 * t + i for t in range(10) for i in range(5)]
    path = write_video(tmp_path / "a.webm", repeated, fps=1000, codec="libvpx", times_ms=times)
    frames = frames_of(path)
    assert [round(frame.timestamp_s * 1000) for frame in frames] == [33 * t for t in range(10)]


def test_a_still_picture_at_an_honest_rate_keeps_its_frames(tmp_path):
    assert len(frames_of(write_video(tmp_path / "a.mp4", [BLACK] * 30))) == 30


def test_the_rotation_flag_is_obeyed(tmp_path):
    path = write_video(tmp_path / "a.mp4", [signer_frame(0.25, 0.5)] * 3)
    rotate_flag(path, HEIGHT)
    image = frames_of(path)[0].image
    assert image.shape == (WIDTH, HEIGHT, 3) and image.flags.c_contiguous
    # A quarter turn clockwise: what was left is up.
    assert red_centre(image) == pytest.approx((0.5, 0.25), abs=0.05)


def test_pixels_that_are_not_square_are_stretched(tmp_path):
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("mpeg4", rate=30)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.sample_aspect_ratio = 2
        output.mux(stream.encode(av.VideoFrame.from_ndarray(signer_frame(), format="rgb24")))
        output.mux(stream.encode())
    assert frames_of(path)[0].image.shape == (HEIGHT, 2 * WIDTH, 3)


def test_large_pictures_are_made_smaller_in_proportion(tmp_path):
    large = [signer_frame(size=(2 * MAX_SIDE, 320))]
    assert frames_of(write_video(tmp_path / "a.mp4", large))[0].image.shape == (160, MAX_SIDE, 3)


@pytest.mark.parametrize(("codec", "pix_fmt", "suffix"), [
    ("mpeg4", "yuv420p", "avi"), ("libvpx-vp9", "yuv420p", "webm"), ("ffv1", "gray", "mkv"),
    ("mjpeg", "yuvj420p", "mov"), ("libx264", "yuv420p", "mp4"), ("libx265", "yuv420p", "mp4"),
])  # fmt: skip
def test_codecs_and_containers(tmp_path, codec, pix_fmt, suffix):
    if codec not in av.codecs_available:
        pytest.skip(f"this PyAV has no {codec}")
    frames = signing(5, size=(130, 98))
    path = write_video(tmp_path / f"a.{suffix}", frames, codec=codec, pix_fmt=pix_fmt)
    found = frames_of(path)
    assert len(found) == 5 and found[0].image.shape == (98, 130, 3)


def test_an_odd_size(tmp_path):
    path = write_video(tmp_path / "a.mkv", signing(3, size=(97, 65)), codec="ffv1", pix_fmt="bgr0")
    assert frames_of(path)[0].image.shape == (65, 97, 3)


def test_sampling_gives_frames_far_enough_apart(tmp_path):
    times = [
        frame.timestamp_s for frame in read_frames(write_video(tmp_path / "a.mp4", signing(60)), sample_every_s=0.5)
    ]
    assert times == pytest.approx([0, 0.5, 1, 1.5], abs=0.02)


def damaged(tmp_path, kind):
    path = tmp_path / f"{kind}.mp4"
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("no video\n" * 100)
    elif kind == "playlist":  # FFmpeg would open what it names
        path.write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n")
    elif kind == "sound":
        write_video(path, [], sound=True)
    elif kind == "cut":
        write_video(path, signing(60))
        path.write_bytes(path.read_bytes()[:2000])
    elif kind == "cut_late":
        path = write_video(tmp_path / "a.ts", signing(120), container="mpegts")
        long = write_video(tmp_path / "long.mkv", signing(120))
        path = tmp_path / "cut_late.mkv"
        data = long.read_bytes()
        path.write_bytes(data[: len(data) // 3])
    elif kind == "folder":
        path.mkdir()
    return path


@pytest.mark.parametrize(("kind", "says"), [
    ("empty", "empty file"), ("text", "not a readable video"), ("playlist", "not a readable video"),
    ("sound", "no video stream"), ("cut", "not a readable video"), ("cut_late", "cut off"),
    ("folder", "cannot be read"), ("nothing", "cannot be read"),
])  # fmt: skip
def test_what_is_no_video_is_told_in_one_line(tmp_path, kind, says):
    path = damaged(tmp_path, kind)
    with pytest.raises(ClipError, match=says) as caught:
        frames_of(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_names_that_look_like_protocols_are_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = write_video(tmp_path / "good.mp4", signing(3)).rename(tmp_path / "concat:x|y.mp4")
    assert len(frames_of(path.relative_to(tmp_path))) == 3


@pytest.mark.parametrize("suffix", [".gif", ".apng"])
def test_pictures_in_motion_are_videos(tmp_path, suffix):
    image = pytest.importorskip("PIL.Image")
    pictures = [image.fromarray(signer_frame(0.3 + t / 20)) for t in range(5)]
    path = tmp_path / f"a{suffix}"
    form = "PNG" if suffix == ".apng" else "GIF"
    pictures[0].save(path, format=form, save_all=True, append_images=pictures[1:], duration=100)
    frames = list(read_frames(path))
    assert suffix in VIDEO_SUFFIXES and [round(frame.timestamp_s, 3) for frame in frames] == [0, 0.1, 0.2, 0.3, 0.4]
    assert frames[0].image.shape == (64, 96, 3)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "a web page, .* and no video; fetch the video itself"),
        (b"PK\x03\x04" + b"\0" * 100, "an archive or a document, and no video"),
        (b"\0\0\0\x20ftypisom" + b"\0" * 100, "not a readable video .*its end may be missing, so copy it again"),
    ],
)
def test_what_is_named_a_video_and_is_none_is_told_for_what_it_is(tmp_path, content, told):
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(ClipError, match=told) as refused:
        frames_of(tmp_path / "a.mp4")
    assert "Errno" not in str(refused.value)


def test_a_video_is_not_looked_for_in_an_archive(tmp_path):
    video = write_video(tmp_path / "a.mp4", signing(20))
    with zipfile.ZipFile(tmp_path / "b.mp4", "w") as archive:
        archive.write(video, "a.mp4")
    with pytest.raises(ClipError, match="an archive or a document, and no video"):
        frames_of(tmp_path / "b.mp4")
    with pytest.raises(ClipError, match="an archive or a document, and no video"):
        video_duration_s(tmp_path / "b.mp4")


def test_a_file_of_several_tracks_is_told(tmp_path):
    assert told_tracks(write_video(tmp_path / "a.mp4", signing(3))) == []
    with av.open(str(tmp_path / "b.mkv"), "w") as container:
        tracks = [container.add_stream("mpeg4", rate=25) for _ in range(2)]
        for track in tracks:
            track.width, track.height, track.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        picture = av.VideoFrame.from_ndarray(np.zeros((HEIGHT, WIDTH, 3), np.uint8), format="rgb24")
        for track in tracks:
            container.mux([*track.encode(picture), *track.encode()])
    (note,) = told_tracks(tmp_path / "b.mkv")
    assert note.endswith("2 tracks of video or pictures; the first is read, so see that it shows the signer")
