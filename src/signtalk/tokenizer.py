"""Text to token ids and back, a word at a time.

In: sentences of the manifest. Out: ids that the text decoder reads and writes. Training fits one
tokenizer on the training texts alone; checkpoint and bundle carry it as `tokenizer_vocab.json`. The
text measures split words with the same `split_words`, so that no answer is wrong for a comma.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Regex, Tokenizer
from tokenizers.models import WordLevel
from tokenizers.normalizers import NFC, Lowercase, Replace
from tokenizers.normalizers import Sequence as NormalizerSequence
from tokenizers.pre_tokenizers import WhitespaceSplit

from signtalk.errors import ArtifactError
from signtalk.files import IntArray, read_json, write_json

PAD_ID, SOS_ID, EOS_ID, UNK_ID = 0, 1, 2, 3
SPECIAL_TOKENS = ("<pad>", "<sos>", "<eos>", "<unk>")
"""Names of the ids 0-3 in a vocabulary that we write; their order is the contract."""

# Lower case, without , . ? ! " ' : inside a word too, so that "doctor's" is "doctors". NFC first,
# because keyboards disagree on whether an accented letter is one code point or two.
_NORMALIZER = NormalizerSequence([NFC(), Lowercase(), Replace(Regex("[,.?!\"']"), "")])
_SPLITTER = WhitespaceSplit()


def split_words(text: str) -> list[str]:
    """Cut a text into the words that tokens stand for: lower case, without , . ? ! " '.

    Every other character stays, so letters of any script survive. A text of punctuation alone has no
    word.
    """
    return [word for word, _ in _SPLITTER.pre_tokenize_str(_NORMALIZER.normalize_str(text))]


class SentenceTokenizer:
    """Word-level tokenizer with pad 0, sos 1, eos 2 and unk 3; words follow from id 4 on.

    Attributes:
        vocabulary_size: number of ids V, the four special ones included.
    """

    def __init__(self, token2id: Mapping[str, int]) -> None:
        """Take a vocabulary as it is.

        Args:
            token2id: every token and its id, the ids being 0 to V-1 and 0-3 the special tokens. They
                may be spelled `<pad>`, `[PAD]` or `pad`: the ids are the contract.

        Raises:
            ValueError: ids are missing, repeated or no integers, or a special token has another id.
        """
        self._tokens = _tokens_by_id(token2id)
        self._tokenizer = Tokenizer(WordLevel(dict(token2id), unk_token=self._tokens[UNK_ID]))
        self._tokenizer.normalizer = _NORMALIZER
        self._tokenizer.pre_tokenizer = _SPLITTER
        self.vocabulary_size = len(self._tokens)

    @classmethod
    def fit(cls, texts: Iterable[str], min_count: int = 1) -> SentenceTokenizer:
        """Learn the vocabulary of `texts`: the most frequent word gets id 4, ties go by alphabet.

        Args:
            texts: sentences; give training texts alone, or evaluation sees words it should not know.
            min_count: a rarer word is left out and read as unk.
        """
        counts = Counter(word for text in texts for word in split_words(text))
        words = [w for w, n in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if n >= min_count]
        tokens = [*SPECIAL_TOKENS, *(word for word in words if word not in SPECIAL_TOKENS)]
        return cls({token: i for i, token in enumerate(tokens)})

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
        words = []
        for i in map(int, ids):
            if not 0 <= i < self.vocabulary_size:
                raise ValueError(f"token id {i}; this vocabulary has ids 0 to {self.vocabulary_size - 1}")
            if i == EOS_ID:
                break
            if i > UNK_ID:
                words.append(self._tokens[i])
        return " ".join(words)

    def to_dict(self) -> dict[str, dict[str, int]]:
        """The content of `tokenizer_vocab.json`: {"token2id": {token: id}}, in the order of ids."""
        return {"token2id": {token: i for i, token in enumerate(self._tokens)}}

    @classmethod
    def from_dict(cls, content: Any) -> SentenceTokenizer:
        """Rebuild a tokenizer from what `to_dict` gave.

        Raises:
            ArtifactError: the content has another shape, its ids have gaps, or a special token has
                another id than pad 0, sos 1, eos 2, unk 3.
        """
        if not isinstance(content, dict) or set(content) != {"token2id"} or not isinstance(content["token2id"], dict):
            found = sorted(map(str, content)) if isinstance(content, dict) else type(content).__name__
            raise ArtifactError(f'vocabulary: found {found}; expected {{"token2id": {{token: id}}}} and nothing else')
        try:
            return cls(content["token2id"])
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
        odd = next(found for expected, found in enumerate(ids) if found != expected)
        raise ValueError(f"id {odd} follows a gap or repeats; expected each of 0 to {len(ids) - 1} once")
    found_specials = [token.strip("<>[]").lower() for token in tokens[: len(SPECIAL_TOKENS)]]
    if found_specials != [token.strip("<>") for token in SPECIAL_TOKENS]:
        raise ValueError(
            f"ids 0 to {UNK_ID} are {tokens[: len(SPECIAL_TOKENS)]}; expected {list(SPECIAL_TOKENS)} in this order"
        )
    return tokens
