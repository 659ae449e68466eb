"""An opened model as it stands: over which references it answers, for whom, and how it is closed.

recognizer, personal index, signer -> OpenModel.recognizer; `_model.Model` adds what users do with it
"""

from __future__ import annotations

import os
import tempfile
import weakref
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from signtalk._clips import PathLike
from signtalk.bundle.bundle import Bundle
from signtalk.errors import ConfigError
from signtalk.index.index import SentenceIndex
from signtalk.index.personal import LayeredIndex, ListedSentence, layer_exists, list_sentences, takes_of
from signtalk.landmarks.features import FeatureConfig
from signtalk.recognition.recognizer import Recognizer
from signtalk.recognition.signer_transform import SignerTransform

if TYPE_CHECKING:
    from signtalk.training.run import RunFolder


class OpenModel:
    """What is open: the model over its own references, what is enrolled now, and whom it knows.

    Attributes:
        path: the bundle or run folder that it was opened from.
        personal: the folder of what was enrolled; None before anything was, unless `load` was given one.
        signer: whom it knows, by `know`; None = it answers everybody alike.
    """

    def __init__(self, path: Path, recognizer: Recognizer, opened: ExitStack, source: Bundle | RunFolder) -> None:
        self.path = path
        self.bundle = source if isinstance(source, Bundle) else None
        self.run = None if isinstance(source, Bundle) else source
        self.personal: Path | None = None
        self.signer: SignerTransform | None = None
        self._own, self._answering, self._opened = recognizer, recognizer, opened
        self._layers: LayeredIndex | None = None
        self._ending = weakref.finalize(self, opened.close)  # what was unpacked goes with a model that nobody closed

    def __repr__(self) -> str:
        if not self._ending.alive:
            return f"<signtalk.Model '{self.path}': closed>"
        index = self.recognizer.index
        clips = int((~index.written).sum())
        return f"<signtalk.Model '{self.path}': {len(index.sentences)} sentences, {clips} clips>"

    def __reduce__(self) -> str | tuple[Any, ...]:
        raise TypeError(f"{self!r} holds an open network and cannot be pickled; load it in each process")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free what was opened; sentences enrolled without a folder of their own are gone. Twice does no harm."""
        self._ending()

    @property
    def _base(self) -> Recognizer:
        """The model over its own references alone."""
        if not self._ending.alive:
            raise ConfigError(f"{self.path}: the model is closed; load it again")
        return self._own

    @property
    def recognizer(self) -> Recognizer:
        """What answers, over its own references and what is enrolled now."""
        if self._index is not self._answering.index:
            everybodys = self._everybodys
            self._answering = everybodys if self.signer is None else everybodys.knowing(self.signer)
        return self._answering

    @property
    def _index(self) -> SentenceIndex:
        """Its own references and what is enrolled now."""
        own = self._base.index
        return own if self._layers is None else self._layers.current()

    @property
    def _everybodys(self) -> Recognizer:
        """What answers everybody alike, whoever is known."""
        return self._base.changed(index=self._index)

    @property
    def feature_config(self) -> FeatureConfig:
        """How its features are made."""
        return self._base.encoder.feature_config

    @property
    def sentences(self) -> tuple[ListedSentence, ...]:
        """Its own sentences, then what was enrolled, each with its clips, signers and category."""
        layers, takes = {"base": self._base.index}, {}
        if self.personal is not None and layer_exists(self.personal):
            layers["personal"] = SentenceIndex.load(self.personal, self._base.index.encoder_id)
            takes = takes_of(self.personal)
        return list_sentences(layers, takes)

    def know(self, signer: SignerTransform | PathLike | None) -> None:
        """Answer as this person signs from now on; None = as everybody does. What is taught stays everybody's.

        Args:
            signer: of `learn_signer`, or a file that its `save` wrote.

        Raises:
            ArtifactError: the file is damaged, or was learned for another model.
        """
        everybodys = self._everybodys
        if isinstance(signer, str | os.PathLike):
            signer = SignerTransform.load(signer, everybodys.index.encoder_id)
        self._answering, self.signer = everybodys if signer is None else everybodys.knowing(signer), signer

    def _own_folder(self) -> Path:
        """The folder of what is enrolled; one that is gone with `close` where none was given."""
        if self.personal is None:
            temporary = self._opened.enter_context(tempfile.TemporaryDirectory(prefix="signtalk-taught-"))
            self._use(Path(temporary) / "index")
            assert self.personal is not None
        return self.personal

    def _use(self, folder: Path) -> None:
        layers = LayeredIndex(self._base.index, folder)
        layers.current()  # a damaged index is told now
        self.personal, self._layers = folder, layers
