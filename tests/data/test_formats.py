from pathlib import Path

import pytest

from made.data_folder import data_folder
from made.points import assert_same_points, made_clip
from signtalk.data.formats import CONTEST_NAME, FORMATS, Format, folder_of_text, format_named
from signtalk.errors import ConfigError
from signtalk.files import read_csv

NEEDS = {"pose": "pose_format", "parquet": "pyarrow"}


def installed(form: Format) -> Format:
    if form.name in NEEDS:
        pytest.importorskip(NEEDS[form.name])
    return form


@pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
def test_what_an_entry_writes_it_finds_and_reads(form: Format, tmp_path: Path) -> None:
    installed(form)
    clips = {f"hello/{number}{form.suffix}": made_clip(seed=number) for number in range(2)}
    for place, clip in clips.items():
        path = tmp_path / place
        path.parent.mkdir(exist_ok=True)
        form.save(path, clip)
    (tmp_path / "hello" / "notes.txt").write_text("no clip")
    paths = form.find(tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in paths] == list(clips)
    for path, clip in zip(paths, clips.values(), strict=True):
        assert_same_points(form.load(path, clip.fps), clip, tolerance=3e-7)


@pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
def test_clips_are_placed_apart_and_inside_the_folder(form: Format, tmp_path: Path) -> None:
    records = data_folder(tmp_path).records
    before = {folder_of_text(record): 0 for record in records}
    paths = []
    for record in records:
        paths.append(form.place(record, record.clip_id, before[folder_of_text(record)]))
        before[folder_of_text(record)] += 1
    assert len(set(paths)) == len(records)
    assert all(not path.is_absolute() and ".." not in path.parts and path.suffix == form.suffix for path in paths)


def test_only_the_contest_wants_a_table_of_its_own(tmp_path: Path) -> None:
    row = {"path": "a.parquet", "signer": "A", "clip_id": "1", "sentence": "hello"}
    for form in FORMATS.values():
        (tmp_path / form.name).mkdir()
        form.write_tables(tmp_path / form.name, [row])
    assert [path.parent.name for path in tmp_path.glob("*/*")] == ["parquet"]
    columns, rows = read_csv(tmp_path / "parquet" / CONTEST_NAME)
    assert columns == ["path", "participant_id", "sequence_id", "sign"]
    assert list(rows[0].values()) == ["a.parquet", "A", "1", "hello"]


def test_an_unknown_name_lists_the_known_ones() -> None:
    assert [format_named(name).name for name in FORMATS] == list(FORMATS)
    with pytest.raises(ConfigError, match="format 'csv'; expected pose, json, mp-data, parquet"):
        format_named("csv")


@pytest.mark.parametrize("form", [form for form in FORMATS.values() if form.suffix], ids=str)
def test_clips_are_found_in_any_case_and_systems_own_files_are_not(form, tmp_path: Path) -> None:
    for name in (f"a{form.suffix.upper()}", f"x/b{form.suffix.title()}", f"x/._b{form.suffix}", "c.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    names = [path.relative_to(tmp_path).as_posix() for path in form.find(tmp_path)]
    assert names == [f"a{form.suffix.upper()}", f"x/b{form.suffix.title()}"]
