import shutil
from pathlib import Path

import pytest

from made.small_run import SmallRun
from signtalk.data.manifest import load_manifest
from signtalk.errors import ArtifactError
from signtalk.files import read_json
from signtalk.models.model import SignModel
from signtalk.training.checkpoint import save_checkpoint
from signtalk.training.run import RunFolder, index_run


def test_indexing_again_gives_the_same_decision(own_run: SmallRun) -> None:
    before = read_json(own_run.run / "decision.json")
    report = index_run(RunFolder.open(own_run.run), load_manifest(own_run.data))
    assert read_json(own_run.run / "decision.json") == before
    assert report.num_references == len(RunFolder.open(own_run.run).sentence_index())


def test_what_is_missing_or_damaged_is_told(small_run: SmallRun, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no such checkpoint"):
        RunFolder.open(tmp_path)
    for name in ("best.safetensors", "split.json"):
        shutil.copy(small_run.run / name, tmp_path / name)
    run = RunFolder.open(tmp_path)
    with pytest.raises(ArtifactError, match=r"decision.json: .*run `signtalk index` first"):
        run.decision()
    with pytest.raises(ArtifactError, match=r"index: .*run `signtalk index` first"):
        run.sentence_index()
    (tmp_path / "decision.json").write_text('{"decision": {"scoring": {"speed": 1}}}')
    with pytest.raises(ArtifactError, match="damaged"):
        run.decision()
    (tmp_path / "index").mkdir()
    with pytest.raises(ArtifactError, match="no such file"):
        run.sentence_index()


def test_a_store_whose_files_changed_is_told(own_run: SmallRun) -> None:
    manifest, run = load_manifest(own_run.data), RunFolder.open(own_run.run)
    assert run.store(manifest).clips == run.store().clips
    changed = manifest.records[3].feature_path
    changed.write_bytes(b"no clip")
    with pytest.raises(ArtifactError, match=f"1 landmark files changed.*{changed}.*`signtalk train` with --resume"):
        index_run(run, manifest)


def test_an_index_tells_of_no_disk(small_run: SmallRun) -> None:
    paths = [entry.feature_path for entry in RunFolder.open(small_run.run).sentence_index().entries]
    assert all((small_run.data / path).is_file() and not Path(path).is_absolute() for path in paths)


def test_a_decoder_of_few_tokens_is_not_asked_for_more(own_run: SmallRun) -> None:
    data, folder = own_run.data, own_run.run
    checkpoint = RunFolder.open(folder).checkpoint
    config = checkpoint.model.config
    short = config.model_copy(update={"decoder": config.decoder.model_copy(update={"max_tokens": 9})})
    model = SignModel(short)
    model.load_state_dict(checkpoint.model.state_dict())
    path = folder / "best.safetensors"
    save_checkpoint(path, model, checkpoint.features, checkpoint.tokenizer, checkpoint.origin)
    index_run(RunFolder.open(folder), load_manifest(data))
    assert RunFolder.open(folder).decision().decoding.max_tokens == 9
