"""Text to token ids and back, a word or a part of a word at a time.

In: sentences of the manifest. Out: ids that the text decoder reads and writes, that CTC finds in the frames and
that the text encoder reads. Training fits one tokenizer on the training texts alone; checkpoint and bundle carry
it as `tokenizer_vocab.json`. The text measures split words with the same `split_words`, so that no answer is wrong
for a comma.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from pydantic import BaseModel, Field, model_validator
from tokenizers import Regex, Tokenizer
from tokenizers.models import BPE, WordLevel
from tokenizers.normalizers import NFC, Lowercase, Replace
from tokenizers.normalizers import Sequence as NormalizerSequence
from tokenizers.pre_tokenizers import Metaspace, WhitespaceSplit
from tokenizers.pre_tokenizers import Sequence as SplitterSequence
from tokenizers.trainers import BpeTrainer

from signtalk.arrays import IntArray
from signtalk.errors import ArtifactError
from signtalk.files import read_json, write_json

PAD_ID, SOS_ID, EOS_ID, UNK_ID = 0, 1, 2, 3
SPECIAL_TOKENS = ("<pad>", "<sos>", "<eos>", "<unk>")
"""Names of the ids 0-3 in a vocabulary that we write; their order is the contract."""

# Lower case, without , . ? ! " ' : inside a word too, so that "doctor's" is "doctors". NFC first,
# because keyboards disagree on whether an accented letter is one code point or two.
_NORMALIZER = NormalizerSequence([NFC(), Lowercase(), Replace(Regex("[,.?!\"']"), "")])
_SPLITTER = WhitespaceSplit()
WORD_START = "\u2581"
"""Begins every word in a vocabulary of word parts, so that parts can be joined again; a text that holds it is read
as if it held a blank there."""
_BPE_NORMALIZER = NormalizerSequence([_NORMALIZER, Replace(WORD_START, " ")])
_BPE_SPLITTER = SplitterSequence([_SPLITTER, Metaspace(WORD_START, prepend_scheme="always", split=False)])
_PARALLEL = "TOKENIZERS_PARALLELISM"

Merges = tuple[tuple[str, str], ...]


class TokenizerConfig(BaseModel, frozen=True, extra="forbid"):
    """What a token is.

    Attributes:
        kind: "word", or "bpe" for frequent parts of words (byte pair encoding, Sennrich et al. 2016), from which
            words that training never saw can be put together.
        vocabulary: most ids, the four special ones included; 0 = as many as the texts give: every word, and for
            "bpe" every part up to whole words. "bpe" keeps all letters, whatever the bound.
    """

    kind: Literal["word", "bpe"] = "word"
    vocabulary: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if 0 < self.vocabulary <= len(SPECIAL_TOKENS):
            raise ValueError(f"vocabulary {self.vocabulary} leaves no room beside {len(SPECIAL_TOKENS)} special tokens")
        return self


def split_words(text: str) -> list[str]:
    """Cut a text into the words that tokens stand for: lower case, without , . ? ! " '.

    Every other character stays, so letters of any script survive. A text of punctuation alone has no
    word.
    """
    return [word for word, _ in _SPLITTER.pre_tokenize_str(_NORMALIZER.normalize_str(text))]


class SentenceTokenizer:
    """Tokenizer with pad 0, sos 1, eos 2 and unk 3; words, or parts of words, follow from id 4 on.

    Attributes:
        vocabulary_size: number of ids V, the four special ones included.
        merges: which parts were joined, in order; None = tokens are words.
    """

    def __init__(self, token2id: Mapping[str, int], merges: Merges | None = None) -> None:
        """Take a vocabulary as it is.

        Args:
            token2id: every token and its id, the ids being 0 to V-1 and 0-3 the special tokens. They
                may be spelled `<pad>`, `[PAD]` or `pad`: the ids are the contract.
            merges: pairs of parts that are joined, most important first; None for a vocabulary of words.

        Raises:
            ValueError: ids are missing, repeated or no integers, a special token has another id, or a merge joins
                parts that are no tokens.
        """
        self._tokens, self.merges = _tokens_by_id(token2id), merges
        unknown = self._tokens[UNK_ID]
        if merges is None:
            self._tokenizer = Tokenizer(WordLevel(dict(token2id), unk_token=unknown))
            self._tokenizer.normalizer, self._tokenizer.pre_tokenizer = _NORMALIZER, _SPLITTER
        else:
            odd = [pair for pair in merges if not {*pair, "".join(pair)} <= set(token2id)]
            if odd:
                raise ValueError(f"merge {list(odd[0])} joins or gives what is no token")
            self._tokenizer = Tokenizer(BPE(dict(token2id), list(merges), unk_token=unknown, fuse_unk=True))
            self._tokenizer.normalizer, self._tokenizer.pre_tokenizer = _BPE_NORMALIZER, _BPE_SPLITTER
        self.vocabulary_size = len(self._tokens)

    @classmethod
    def fit(cls, texts: Iterable[str], min_count: int = 1, config: TokenizerConfig | None = None) -> SentenceTokenizer:
        """Learn the vocabulary of `texts`: words by frequency, ties by alphabet; or parts of words by BPE.

        Args:
            texts: sentences; give training texts alone, or evaluation sees words it should not know.
            min_count: a rarer word is left out and read as unk; a rarer pair of parts is not joined.
            config: words or parts, and how many; words, all of them, by default.
        """
        config = config or TokenizerConfig()
        if config.kind == "bpe":
            return cls._fit_bpe(texts, min_count, config)
        counts = Counter(word for text in texts for word in split_words(text))
        words = [w for w, n in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if n >= min_count]
        tokens = [*SPECIAL_TOKENS, *(word for word in words if word not in SPECIAL_TOKENS)]
        return cls({token: i for i, token in enumerate(tokens[: config.vocabulary or None])})

    @classmethod
    def _fit_bpe(cls, texts: Iterable[str], min_count: int, config: TokenizerConfig) -> SentenceTokenizer:
        texts = list(texts)
        # The library reserves memory for as many as it is told; no text gives more parts than this.
        parts = sum(2 * len(word) + 2 for word in {word for text in texts for word in split_words(text)})
        most = len(SPECIAL_TOKENS) + parts
        learner = Tokenizer(BPE(unk_token=SPECIAL_TOKENS[UNK_ID]))
        learner.normalizer, learner.pre_tokenizer = _BPE_NORMALIZER, _BPE_SPLITTER
        trainer = BpeTrainer(
            vocab_size=min(config.vocabulary or most, most),
            min_frequency=min_count,
            special_tokens=list(SPECIAL_TOKENS),
            show_progress=False,
        )
        with _one_thread():
            learner.train_from_iterator(texts, trainer)
        model = json.loads(learner.to_str())["model"]
        return cls(model["vocab"], tuple((first, second) for first, second in model["merges"]))

    def words(self, text: str) -> list[str]:
        """Cut a text into words; see `split_words`."""
        return split_words(text)

    def encode(self, text: str, add_special: bool = True) -> list[int]:
        """Ids of a text's words, unknown ones as unk, with sos before and eos after unless told otherwise.

        A text can spell a special token, but never gets its id.
        """
        # One text a call: the library's batch call starts threads, and then warns in every forked loader.
        ids = [i if i > EOS_ID else UNK_ID for i in self._tokenizer.encode(text).ids]
        return [SOS_ID, *ids, EOS_ID] if add_special else ids

    def encode_batch(self, texts: Sequence[str]) -> tuple[IntArray, IntArray]:
        """Ids of several texts, special ones included, as one array.

        Returns:
            (B, S) int64, rows padded at the end with pad; and (B,) int64, the length of each row
            without padding.
        """
        rows = [self.encode(text) for text in texts]
        lengths = np.array([len(row) for row in rows], dtype=np.int64)
        ids = np.full((len(rows), max((len(row) for row in rows), default=0)), PAD_ID, dtype=np.int64)
        for padded, row in zip(ids, rows, strict=True):
            padded[: len(row)] = row
        return ids, lengths

    def decode(self, ids: Iterable[int]) -> str:
        """Words up to the first eos, joined by blanks; pad, sos and unk are left out.

        Raises:
            ValueError: an id is outside the vocabulary.
        """
        return " ".join(word for word, _ in self.decode_words(ids))

    def decode_words(self, ids: Iterable[int]) -> list[tuple[str, tuple[int, ...]]]:
        """As `decode`, each word with the places of its tokens among `ids`.

        Raises:
            ValueError: an id is outside the vocabulary.
        """
        words: list[tuple[str, tuple[int, ...]]] = []
        for place, i in enumerate(map(int, ids)):
            if not 0 <= i < self.vocabulary_size:
                raise ValueError(f"token id {i}; this vocabulary has ids 0 to {self.vocabulary_size - 1}")
            if i == EOS_ID:
                break
            if i <= UNK_ID:
                continue
            token = self._tokens[i]
            if self.merges is None or token.startswith(WORD_START) or not words:
                words.append((token.removeprefix(WORD_START) if self.merges is not None else token, (place,)))
            else:
                words[-1] = (words[-1][0] + token, (*words[-1][1], place))
        return [(word, places) for word, places in words if word]

    def to_dict(self) -> dict[str, Any]:
        """The content of `tokenizer_vocab.json`, tokens in the order of ids.

        {"token2id": {token: id}} for words (docs/contract.md 1.4); for their parts also "merges": [[part, part], ...].
        """
        content: dict[str, Any] = {"token2id": {token: i for i, token in enumerate(self._tokens)}}
        return content if self.merges is None else {**content, "merges": [list(pair) for pair in self.merges]}

    @classmethod
    def from_dict(cls, content: Any) -> SentenceTokenizer:
        """Rebuild a tokenizer from what `to_dict` gave.

        Raises:
            ArtifactError: the content has another shape, its ids have gaps, or a special token has
                another id than pad 0, sos 1, eos 2, unk 3.
        """
        names = set(content) if isinstance(content, dict) else set()
        if names - {"merges"} != {"token2id"} or not isinstance(content["token2id"], dict):
            keys = sorted(map(str, content)) if isinstance(content, dict) else type(content).__name__
            raise ArtifactError(
                f'vocabulary: found {keys}; expected {{"token2id": {{token: id}}}}, perhaps "merges", and nothing else'
            )
        odd = [
            token for token in content["token2id"] if not token or token.encode("utf-8", "replace").decode() != token
        ]
        if odd:
            raise ArtifactError(f"vocabulary: token {odd[0]!r} is empty or no valid text")
        try:
            return cls(content["token2id"], _checked_merges(content["merges"]) if "merges" in content else None)
        except ValueError as error:
            raise ArtifactError(f"vocabulary: {error}") from error

    def save(self, path: Path) -> None:
        """Write the vocabulary as `tokenizer_vocab.json` wants it, atomically."""
        write_json(path, self.to_dict())

    @classmethod
    def load(cls, path: Path) -> SentenceTokenizer:
        """Read a vocabulary file.

        Raises:
            ArtifactError: the file is missing, damaged or no valid vocabulary.
        """
        try:
            return cls.from_dict(read_json(path))
        except ArtifactError as error:
            text = str(error)
            raise ArtifactError(text if text.startswith(str(path)) else f"{path}: {text}") from error


def _tokens_by_id(token2id: Mapping[str, int]) -> list[str]:
    """Tokens in the order of their ids, checked."""
    wrong = [token for token, i in token2id.items() if type(i) is not int]
    if wrong:
        raise ValueError(f"token {wrong[0]!r} has id {token2id[wrong[0]]!r}; expected an integer")
    tokens = sorted(token2id, key=token2id.__getitem__)
    ids = [token2id[token] for token in tokens]
    if ids != list(range(len(ids))):
        odd = next(token_id for expected, token_id in enumerate(ids) if token_id != expected)
        raise ValueError(f"id {odd} follows a gap or repeats; expected each of 0 to {len(ids) - 1} once")
    found_specials = [token.strip("<>[]").lower() for token in tokens[: len(SPECIAL_TOKENS)]]
    if found_specials != [token.strip("<>") for token in SPECIAL_TOKENS]:
        raise ValueError(
            f"ids 0 to {UNK_ID} are {tokens[: len(SPECIAL_TOKENS)]}; expected {list(SPECIAL_TOKENS)} in this order"
        )
    return tokens


def _checked_merges(raw: Any) -> Merges:
    pairs = raw if isinstance(raw, list) else [raw]
    for pair in pairs:
        if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(part, str) for part in pair)):
            raise ValueError(f"merges hold {pair!r}; expected a list of [part, part]")
    return tuple((first, second) for first, second in pairs)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep the library from starting threads, of which it would warn on standard error at every later fork."""
    before = os.environ.get(_PARALLEL)
    os.environ[_PARALLEL] = "false"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_PARALLEL]
        else:
            os.environ[_PARALLEL] = before
