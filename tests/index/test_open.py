import numpy as np
import pytest

from made.large import made_index, packed
from made.references import encoded, needs_milvus, small_index
from signtalk.errors import ArtifactError
from signtalk.index.milvus import MilvusStore
from signtalk.index.open import open_references

quiet = pytest.mark.filterwarnings("ignore::ResourceWarning")  # pymilvus leaves sockets to the collector


def test_a_folder_is_opened_for_its_model(tmp_path):
    index = made_index(num=60)
    packed(tmp_path, index)
    with open_references(str(tmp_path / "large"), "model-1") as references:
        (nearest,) = references.search(index.embeddings[:1].astype(np.float32), 1)
        assert nearest[0].clip_id == "c0"
    with pytest.raises(ArtifactError, match="model"), open_references(str(tmp_path / "large"), "model-2"):
        pass
    with pytest.raises(ArtifactError, match="none"), open_references(str(tmp_path / "none"), "model-1"):
        pass


@needs_milvus
@quiet
def test_a_file_of_milvus_is_opened_and_closed_even_after_an_error(tmp_path):
    place = str(tmp_path / "references.db")
    store = MilvusStore(place, "model-1")
    store.add(small_index())
    store.close()
    for _ in range(2):
        with pytest.raises(KeyError), open_references(place, "model-1") as references:
            assert len(references.search(encoded(1).embeddings, 9)[0]) == 5
            raise KeyError("of the block")


@needs_milvus
@quiet
def test_a_file_without_clips_of_the_model_or_no_file_is_told(tmp_path):
    place = str(tmp_path / "references.db")
    with pytest.raises(ArtifactError, match="no such file; `signtalk pack` makes one"), open_references(place, "m"):
        pass
    assert not (tmp_path / "references.db").exists()
    store = MilvusStore(place, "model-1")
    store.add(small_index())
    store.close()
    with pytest.raises(ArtifactError, match="no clip of this model"), open_references(place, "model-2"):
        pass
