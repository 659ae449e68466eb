import os

import pytest

from signtalk.errors import DataError
from signtalk.extraction.inputs import list_videos, plan_extraction

openpyxl = pytest.importorskip("openpyxl")


def folder_of(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return root


def sheet(path, rows, title=None):
    book = openpyxl.Workbook()
    for row in ([[title]] if title else []) + rows:
        book.active.append(row)
    book.save(path)
    return path


def test_the_layout_of_signtalk_gh_is_read_as_it_is(tmp_path):
    folder_of(tmp_path / "Videos", "1A.mp4", "1B.MP4", "2 A.mp4", " 3C.mp4", "9A.mp4")
    rows = [
        ["Sentence ID", "Sentence ", "Category"],
        [1.0, " I have  a headache. ", "Pain "],
        [2, "Where does it hurt?", "Pain"],
        [3, "I have a headache", "Pain"],  # a text under two ids
        [4, "Nobody signed this", "Other"],
        [None, None, None],
    ]
    sheet(tmp_path / "Metadata.xlsx", rows, title="SignTalk")
    plan = plan_extraction(tmp_path)
    labels = {job.video.name: (job.label.sentence_id, job.label.sentence, job.label.signer) for job in plan.jobs}
    assert labels == {
        "1A.mp4": ("1", "I have a headache.", "A"),
        "1B.MP4": ("1", "I have a headache.", "B"),
        "2 A.mp4": ("2", "Where does it hurt?", "A"),
        " 3C.mp4": ("3", "I have a headache", "C"),
    }
    assert {job.label.category for job in plan.jobs} == {"Pain"}
    assert [(problem.clip_id, problem.kind) for problem in plan.problems] == [("9A", "no_metadata")]
    assert [(video.sentence_id, video.sentence) for video in plan.missing] == [("4", "Nobody signed this")]


def test_a_table_that_names_videos(tmp_path):
    folder_of(tmp_path / "v", "hello.mp4", "sub/fever.webm", "uncle.mov")
    table = tmp_path / "m.csv"
    table.write_text(
        "video_file,sentence_id,sentence,signer,is_idle,text_variations\n"
        'hello.mp4,7,Hello,kofi,0,"[""Hello"", ""Hi""]"\nfever,8,I have a fever,ama,,\n'
        "uncle.mov,,,ama,1,\ngone.mp4,9,Gone,,,\n",
        encoding="utf-8",
    )
    plan = plan_extraction(tmp_path / "v", table)
    by_id = {job.clip_id: job.label for job in plan.jobs}
    assert by_id["hello"].variations == ("Hello", "Hi") and by_id["hello"].signer == "kofi"
    assert by_id["fever"].sentence == "I have a fever"
    assert by_id["uncle"].is_idle
    assert [video.video_file for video in plan.missing] == ["gone.mp4"] and plan.problems == ()


def test_contradicting_rows_are_told_and_repeated_ones_are_not(tmp_path):
    folder_of(tmp_path / "v", "1A.mp4")
    table = tmp_path / "m.csv"
    table.write_text("id,sentence\n1,Hello\n1,hello!\n01,Good bye\n", encoding="utf-8")
    plan = plan_extraction(tmp_path / "v", table)
    assert [problem.kind for problem in plan.problems] == ["contradiction"] and plan.missing == ()
    assert plan.jobs[0].label.sentence == "Hello"


def test_without_a_table_clips_have_no_text(tmp_path):
    plan = plan_extraction(folder_of(tmp_path, "a.mp4", "b.txt", ".hidden.mp4", ".git/c.mp4"))
    assert [(job.clip_id, job.label.sentence) for job in plan.jobs] == [("a", "")]
    assert [job.clip_id for job in plan_extraction(tmp_path / "a.mp4").jobs] == ["a"]


def test_hostile_names_give_safe_and_distinct_files(tmp_path):
    names = [
        "a b.mp4",
        "a\nb\tc.mp4",
        "ünï — 手話.mp4",
        "-rf.mp4",
        "x..mp4",
        "x" * 240 + ".mp4",
        "$(id);'\".mp4",
        "a_b.mp4",
    ]
    jobs = plan_extraction(folder_of(tmp_path, *names)).jobs
    assert len(jobs) == len(names) and len({job.file_stem.casefold() for job in jobs}) == len(names)
    for job in jobs:
        assert job.file_stem.isprintable() and len(job.file_stem) <= 100 and job.file_stem.isascii()
        assert not set(job.file_stem) & set("/\\ $'\"();\n") and not job.file_stem.startswith(("-", "."))
        assert "\n" not in job.video_file


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
def test_a_name_that_is_not_utf8(tmp_path):
    (tmp_path / os.fsdecode(b"caf\xe9.mp4")).write_bytes(b"x")
    assert plan_extraction(tmp_path).jobs[0].clip_id == "caf\\xe9"


def test_names_that_come_twice_take_their_folder(tmp_path):
    plan = plan_extraction(folder_of(tmp_path, "s1/hello.mp4", "s2/hello.mp4", "s2/other.mp4"))
    assert [job.clip_id for job in plan.jobs] == ["s1__hello", "s2__hello", "other"]
    twice = plan_extraction(folder_of(tmp_path / "x", "hello.mp4", "hello.webm"))
    assert [job.clip_id for job in twice.jobs] == ["hello_mp4", "hello_webm"] and twice.problems == ()


def planned(root, rows, *names):
    """The sentence of each video that is planned, and the kind of what is told of each other one."""
    (root / "m.csv").write_text("video,sentence\n" + rows, encoding="utf-8")
    plan = plan_extraction(folder_of(root / "v", *names), root / "m.csv")
    assert len({job.clip_id.casefold() for job in plan.jobs}) == len({job.file_stem for job in plan.jobs}) == len(
        plan.jobs
    )  # fmt: skip
    assert all(str(root / "v") in problem.message for problem in plan.problems)
    return {job.video.name: job.label.sentence for job in plan.jobs}, [
        (problem.message.split(": ")[0].rsplit(os.sep, 1)[-1], problem.kind) for problem in plan.problems
    ]


@pytest.mark.parametrize(
    ("rows", "names", "labels", "told"),
    [
        ("a.mp4,One\n", ("A.mp4", "a.mp4"), {"a.mp4": "One"}, [("A.mp4", "same_name")]),
        ("a.mp4,One\nA.mp4,Two\n", ("A.mp4", "a.mp4"), {"a.mp4": "One", "A.mp4": "Two"}, []),
        ("b.mp4,One\nb.mov,Two\n", ("b.mov", "b.mp4"), {"b.mp4": "One", "b.mov": "Two"}, []),
        ("b.mp4,One\n", ("b.mov", "b.mp4"), {"b.mp4": "One"}, [("b.mov", "same_name")]),
        ("b,One\n", ("B.mp4", "b.mp4"), {"b.mp4": "One"}, [("B.mp4", "same_name")]),
        ("b,One\n", ("b.mov", "b.mp4"), {}, [("b.mov", "ambiguous"), ("b.mp4", "ambiguous")]),
        ("b.avi,One\n", ("B.mp4", "b.mp4"), {}, [("B.mp4", "ambiguous"), ("b.mp4", "ambiguous")]),
        ("10.mp4,One\n", ("1 0.mp4", "10.mp4"), {"10.mp4": "One"}, [("1 0.mp4", "same_name")]),
        ("10.mp4,One\n1 0.mp4,Two\n", ("1 0.mp4", "10.mp4"), {"10.mp4": "One", "1 0.mp4": "Two"}, []),
        ("10.mp4,One\n1 0,Two\n", ("1 0.mp4", "10.mp4"), {"10.mp4": "One", "1 0.mp4": "Two"}, []),
        ("b.mp4,One\n", ("x/b.mp4", "y/b.mov"), {"b.mp4": "One"}, [("b.mov", "same_name")]),
        ("b.MOV,One\n", ("x/b.mp4",), {"b.mp4": "One"}, []),
    ],
)  # fmt: skip
def test_a_row_is_given_to_the_file_that_it_names_before_one_whose_name_resembles_it(
    tmp_path, rows, names, labels, told
):
    assert planned(tmp_path, rows, *names) == (labels, told)


def test_clips_keep_their_names_whichever_of_them_has_a_row(tmp_path):
    folder_of(tmp_path / "v", "a.mov", "a.mp4", "B.mp4", "b.mp4")
    bare = {job.video: job.clip_id for job in plan_extraction(tmp_path / "v").jobs}
    (tmp_path / "m.csv").write_text("video,sentence\na.mp4,One\nb.mp4,Two\n", encoding="utf-8")
    labelled = {job.video: job.clip_id for job in plan_extraction(tmp_path / "v", tmp_path / "m.csv").jobs}
    assert len(set(map(str.casefold, bare.values()))) == 4 and labelled.items() <= bare.items() and len(labelled) == 2


def test_what_cannot_be_planned_is_one_line(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        list_videos(tmp_path / "none")
    with pytest.raises(DataError, match="no video in it"):
        plan_extraction(tmp_path)
    folder_of(tmp_path, "a.mp4")
    table = tmp_path / "m.csv"
    table.write_text("who,what\nx,y\n", encoding="utf-8")
    with pytest.raises(DataError, match="expected 'video_file' or 'sentence_id'"):
        plan_extraction(tmp_path, table)
    table.write_text("id,sentence,text_variations\n1,Hello,no json\n", encoding="utf-8")
    with pytest.raises(DataError, match="is not JSON"):
        plan_extraction(tmp_path, table)


def test_what_should_be_known_is_told_before_the_first_video(tmp_path):
    folder_of(tmp_path / "v", "1.mp4", "2.GIF", "3.MP4", "picture.webp", "notes.txt", "left.webp")
    table = tmp_path / "m.csv"
    table.write_text("video,text,hand\n1.mp4,Hello,left\n2.gif,Bye,right\n3.mp4,,left\n", encoding="utf-8")
    plan = plan_extraction(tmp_path / "v", table)
    assert [job.video.name for job in plan.jobs] == ["1.mp4", "2.GIF", "3.MP4"]
    others, columns, textless, signers = plan.notes
    assert "2 .webp" in others and "notes" not in others and "columns that are not used: 'hand'" in columns
    assert "1 of 3 videos get no sentence" in textless
    assert "3 of 3 videos get no signer (no column signer, signerid, participant" in signers
    assert "no sentence and no signer; --metadata" in plan_extraction(tmp_path / "v").notes[1]


def test_a_folder_without_videos_says_what_it_holds(tmp_path):
    with pytest.raises(DataError, match=r"no video in it; it holds 2 \.webp, 1 \.heic"):
        plan_extraction(folder_of(tmp_path, "a.webp", "b.WEBP", "c.heic", "table.csv"))


@pytest.mark.parametrize("name", ["METADATA.CSV", "metadata.tsv", "Metadata.xlsx"])
def test_the_table_of_the_layout_is_found_in_any_form(tmp_path, name):
    folder_of(tmp_path / "videos", "1A.mp4")
    if name.endswith("xlsx"):
        sheet(tmp_path / name, [["ID", "Phrase"], [1, "Hello"]])
    else:
        (tmp_path / name).write_text("ID\tPhrase\n1\tHello\n", encoding="utf-16")
    assert [(job.label.sentence, job.label.signer) for job in plan_extraction(tmp_path).jobs] == [("Hello", "A")]


def test_one_file_must_be_a_video_by_its_name(tmp_path):
    folder_of(tmp_path, "clips.zip", "frame_0001.jpg", "a")
    for name, told in (
        ("clips.zip", "unpack it"),
        ("frame_0001.jpg", "make a video of them"),
        ("a", "give a folder of"),
    ):
        with pytest.raises(DataError, match=f"{name}: no video by its name; .*{told}"):
            plan_extraction(tmp_path / name)


def test_a_folder_of_landmarks_or_pictures_says_what_to_do(tmp_path):
    with pytest.raises(DataError, match=r"it holds 1 \.pose; `signtalk import` reads landmarks"):
        plan_extraction(folder_of(tmp_path / "a", "x/1.pose"))
    with pytest.raises(DataError, match=r"it holds 2 \.jpg \(a picture;.*ffmpeg"):
        plan_extraction(folder_of(tmp_path / "b", "x/1.jpg", "x/2.JPG"))


def test_linked_folders_and_other_tables_are_told(tmp_path):
    folder_of(tmp_path / "in", "a.mp4", "metadata.xlsx")
    folder_of(tmp_path / "other", "b.mp4")
    (tmp_path / "in" / "linked").symlink_to(tmp_path / "other")
    sheet(tmp_path / "in" / "metadata.xlsx", [["video", "sentence", "signer"], ["a.mp4", "Hello", "Ama"]])
    (tmp_path / "in" / "metadata.csv").write_text("video,sentence,signer\na.mp4,Bye,Ama\n", encoding="utf-8")
    plan = plan_extraction(tmp_path / "in")
    assert [job.label.sentence for job in plan.jobs] == ["Hello"]
    assert any("links are not searched: linked" in note for note in plan.notes)
    assert any("metadata.xlsx: taken, and not metadata.csv beside it" in note for note in plan.notes)
    chosen = plan_extraction(tmp_path / "in", tmp_path / "in" / "metadata.csv")
    assert [job.label.sentence for job in chosen.jobs] == ["Bye"]
    assert not any("beside it" in note for note in chosen.notes)
