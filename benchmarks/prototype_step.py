"""The prototype's training step, operation for operation, as a yardstick of time and of nothing else.

    .npy files -> ClipDataset -> DataLoader -> PrototypeModel, a view at a time -> loss -> AdamW

Written anew from the facts of docs/contract.md 1.4-1.7 and of its list of faults. Where those leave a choice open, the
cheaper one is taken, so that the yardstick is rather too fast than too slow:

* time warp, frame dropout and temporal shift once a clip, before it is cut into even and odd frames; noise on
  the first view and rotation on the second (docs/contract.md 2.10);
* one pass a view serves all losses; the masked-frame head predicts the projector's 160 channels (fault 12), not
  540 columns;
* no mask anywhere: padding is signing (fault 11).

It keeps the prototype's faults; do not learn anything from its weights.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize, smooth_l1_loss
from torch.utils.data import DataLoader, Dataset, Sampler

Array = npt.NDArray[np.float32]
NUM_FRAMES, NUM_COLUMNS, POSE_COLUMNS = 64, 540, 132
WIDTH, EMBEDDING, MAX_TOKENS = 160, 256, 64
PAD, SOS, EOS, UNK = range(4)


@dataclass(frozen=True)
class ClipFile:
    """A clip of the prototype: its file, its sentence's number and its texts, the sentence first."""

    path: Path
    label: int
    texts: tuple[str, ...]


class Vocabulary:
    """Words by frequency after pad, sos, eos, unk (docs/contract.md 1.4)."""

    def __init__(self, texts: Sequence[str]) -> None:
        counts = Counter(word for text in texts for word in self.words(text))
        self.ids = {word: number for number, (word, _) in enumerate(counts.most_common(), UNK + 1)}

    def __len__(self) -> int:
        return len(self.ids) + UNK + 1

    @staticmethod
    def words(text: str) -> list[str]:
        """Lower case, without , . ? ! " '."""
        return "".join(character for character in text.lower() if character not in ",.?!\"'").split()

    def encode(self, text: str) -> list[int]:
        """Ids from sos to eos."""
        return [SOS, *(self.ids.get(word, UNK) for word in self.words(text)), EOS][:MAX_TOKENS]


def warp(rows: Array, rng: np.random.Generator) -> Array:
    """Another tempo: each of the 540 columns resampled linearly to 1 +- 0.15 of the frames."""
    length = max(2, round(len(rows) * rng.uniform(0.85, 1.15)))
    old, new = np.linspace(0, 1, len(rows)), np.linspace(0, 1, length)
    return np.stack([np.interp(new, old, rows[:, column]) for column in range(rows.shape[1])], axis=1).astype(
        np.float32
    )


def rotate(rows: Array, degrees: float) -> Array:
    """Turn all points about the vertical axis; visibility stays."""
    turned, angle = rows.copy(), math.radians(degrees)
    for columns, stride in ((slice(0, POSE_COLUMNS), 4), (slice(POSE_COLUMNS, NUM_COLUMNS), 3)):
        part = turned[:, columns].reshape(len(rows), -1, stride)
        x, z = part[..., 0].copy(), part[..., 2].copy()
        part[..., 0], part[..., 2] = (
            math.cos(angle) * x + math.sin(angle) * z,
            math.cos(angle) * z - math.sin(angle) * x,
        )
        turned[:, columns] = part.reshape(len(rows), -1)
    return turned


def cropped(rows: Array, rng: np.random.Generator) -> Array:
    """64 frames from a random place, zeros after the end of a shorter clip."""
    if len(rows) > NUM_FRAMES:
        start = int(rng.integers(0, len(rows) - NUM_FRAMES + 1))
        return rows[start : start + NUM_FRAMES]
    return np.concatenate([rows, np.zeros((NUM_FRAMES - len(rows), rows.shape[1]), dtype=np.float32)])


def even_and_odd(rows: Array) -> tuple[Array, Array]:
    """The two views: even frames and odd frames; under 4 frames the clip itself twice."""
    return (rows, rows) if len(rows) < 4 else (rows[0::2], rows[1::2])


class ClipDataset(Dataset[tuple[Array, Array, list[int], list[int], int]]):
    """Reads, varies and halves one clip at a time."""

    def __init__(
        self, clips: Sequence[ClipFile], statistics: tuple[Array, Array], words: Vocabulary, seed: int
    ) -> None:
        self.clips, self.words = clips, words
        self.mean, self.std = statistics
        self.rng = np.random.default_rng(seed)

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, number: int) -> tuple[Array, Array, list[int], list[int], int]:
        clip, rng = self.clips[number], self.rng
        first, second = even_and_odd(self._varied(np.load(clip.path).astype(np.float32)))
        if rng.random() < 0.5:
            first = first + rng.normal(0, 0.012, first.shape).astype(np.float32)
        if rng.random() < 0.8:
            second = rotate(second, rng.uniform(-15, 15))
        views = [cropped((view - self.mean) / self.std, rng) for view in (first, second)]
        texts = [self.words.encode(clip.texts[rng.integers(len(clip.texts))]) for _ in range(2)]
        return views[0], views[1], texts[0], texts[1], clip.label

    def _varied(self, rows: Array) -> Array:
        rng = self.rng
        if rng.random() < 0.6:
            rows = warp(rows, rng)
        if rng.random() < 0.5:
            kept = rng.random(len(rows)) >= 0.12
            rows = rows[kept] if kept.sum() >= 4 else rows
        return np.roll(rows, int(rng.integers(-4, 5)), axis=0)


class SentenceBatches(Sampler[list[int]]):
    """Batches of 8: 2 clips, repeated where there is one, of each of 4 sentences."""

    def __init__(self, labels: Sequence[int], num_batches: int, seed: int) -> None:
        self.members = [np.flatnonzero(np.asarray(labels) == label) for label in sorted(set(labels))]
        self.num_batches, self.rng = num_batches, np.random.default_rng(seed)

    def __len__(self) -> int:
        return self.num_batches

    def __iter__(self) -> Iterator[list[int]]:
        for _ in range(self.num_batches):
            chosen = self.rng.choice(len(self.members), 4, replace=len(self.members) < 4)
            yield [
                int(clip)
                for label in chosen
                for clip in self.rng.choice(self.members[label], 2, replace=len(self.members[label]) < 2)
            ]


@dataclass(frozen=True)
class ViewBatch:
    """One view of 8 clips: features (8, 64, 540), tokens (8, S) and labels (8,)."""

    features: Tensor
    tokens: Tensor
    labels: Tensor


def collate(items: list[tuple[Array, Array, list[int], list[int], int]]) -> tuple[ViewBatch, ViewBatch]:
    """Stack single clips to the two views of a batch."""
    first, second, first_text, second_text, labels = zip(*items, strict=True)
    label = torch.tensor(labels)
    return (
        ViewBatch(torch.from_numpy(np.stack(first)), _padded(first_text), label),
        ViewBatch(torch.from_numpy(np.stack(second)), _padded(second_text), label),
    )


def _padded(texts: Sequence[list[int]]) -> Tensor:
    return nn.utils.rnn.pad_sequence([torch.tensor(text) for text in texts], batch_first=True, padding_value=PAD)


class Pooling(nn.Module):
    """Four heads of additive attention over the frames; z-scored motion added to the logits, heads averaged."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.hidden, self.logits = nn.Linear(width, width), nn.Linear(width, 4)

    def forward(self, sequence: Tensor, motion: Tensor) -> Tensor:
        """(B, T, W) to (B, W)."""
        scored = (motion - motion.mean(dim=1, keepdim=True)) / (motion.std(dim=1, keepdim=True) + 1e-5)
        weights = (self.logits(torch.tanh(self.hidden(sequence))) + scored.unsqueeze(-1)).softmax(dim=1)
        pooled: Tensor = (weights.mean(dim=-1, keepdim=True) * sequence).sum(dim=1)
        return pooled


@dataclass(frozen=True)
class ViewOutput:
    """Of one view: embedding (B, 256), logits (B, S - 1, V), masked-frame loss ()."""

    embedding: Tensor
    logits: Tensor
    mask_loss: Tensor


class PrototypeModel(nn.Module):
    """docs/contract.md 1.6 with the encoder `gru`."""

    def __init__(self, vocabulary_size: int) -> None:
        super().__init__()
        self.projector = nn.Sequential(
            nn.LayerNorm(NUM_COLUMNS), nn.Linear(NUM_COLUMNS, WIDTH), nn.GELU(), nn.Dropout(0.1),
            nn.Linear(WIDTH, WIDTH), nn.GELU(),
        )  # fmt: skip
        self.gru = nn.GRU(WIDTH, WIDTH, num_layers=2, batch_first=True, bidirectional=True)
        self.pooling = Pooling(2 * WIDTH)
        self.embed, self.norm = nn.Linear(2 * WIDTH, EMBEDDING), nn.LayerNorm(EMBEDDING)
        self.context = nn.Linear(2 * WIDTH, EMBEDDING)
        self.words = nn.Embedding(vocabulary_size, EMBEDDING, padding_idx=PAD)
        layer = nn.TransformerDecoderLayer(EMBEDDING, 4, 1024, batch_first=True)
        self.decoder = nn.TransformerDecoder(layer, 2)
        self.vocabulary = nn.Linear(EMBEDDING, vocabulary_size)
        self.mask_token = nn.Parameter(torch.zeros(WIDTH))
        self.mask_head = nn.Sequential(
            nn.LayerNorm(EMBEDDING), nn.Linear(EMBEDDING, EMBEDDING), nn.GELU(), nn.Linear(EMBEDDING, WIDTH)
        )
        self.register_buffer("positions", _sinusoids(MAX_TOKENS, EMBEDDING), persistent=False)

    def forward(self, features: Tensor, tokens: Tensor) -> ViewOutput:
        """One view under teacher forcing."""
        motion = (features[:, 1:] - features[:, :-1]).norm(dim=-1)
        projected = self.projector(features)
        hidden = torch.rand(projected.shape[:2], device=features.device) < 0.15
        sequence = self.gru(torch.where(hidden.unsqueeze(-1), self.mask_token, projected))[0]
        pooled = self.pooling(sequence, nn.functional.pad(motion, (1, 0)))
        context = self.context(sequence)
        mask_loss = (
            smooth_l1_loss(self.mask_head(context)[hidden], projected[hidden]) if hidden.any() else 0 * context.sum()
        )
        return ViewOutput(normalize(self.norm(self.embed(pooled)), dim=-1), self._read(tokens, context), mask_loss)

    def _read(self, tokens: Tensor, context: Tensor) -> Tensor:
        spoken = tokens[:, :-1]
        length = spoken.shape[1]
        assert isinstance(self.positions, Tensor)
        causal = torch.ones(length, length, dtype=torch.bool, device=tokens.device).triu(1)
        said = self.decoder(
            self.words(spoken) + self.positions[:length], context, tgt_mask=causal, tgt_key_padding_mask=spoken == PAD
        )
        logits: Tensor = self.vocabulary(said)
        return logits


def _sinusoids(length: int, width: int) -> Tensor:
    angles = torch.arange(length).unsqueeze(1) * torch.exp(torch.arange(0, width, 2) * (-math.log(10000.0) / width))
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)


def supervised_contrast(embeddings: Tensor, labels: Tensor, temperature: float = 0.07) -> Tensor:
    """SupCon (Khosla et al. 2020, L_out): rows (N, D) of unit length, those of one label are each other's positives."""
    logits = embeddings @ embeddings.T / temperature
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    positive = (labels.unsqueeze(0) == labels.unsqueeze(1)) & ~itself
    log_share = logits - logits.masked_fill(itself, -torch.inf).logsumexp(dim=1, keepdim=True)
    return -((log_share * positive).sum(dim=1) / positive.sum(dim=1).clamp_min(1)).mean()


def prototype_loss(outputs: Sequence[ViewOutput], views: Sequence[ViewBatch]) -> Tensor:
    """docs/contract.md 1.7: 0.5 SupCon over both views + 0.5 cross-entropy + 0.2 masked frames, the last two means."""
    contrast = supervised_contrast(
        torch.cat([output.embedding for output in outputs]), torch.cat([view.labels for view in views])
    )
    texts = [
        cross_entropy(o.logits.flatten(0, 1), v.tokens[:, 1:].flatten(), ignore_index=PAD, label_smoothing=0.1)
        for o, v in zip(outputs, views, strict=True)
    ]
    masks = [output.mask_loss for output in outputs]
    return 0.5 * contrast + 0.5 * torch.stack(texts).mean() + 0.2 * torch.stack(masks).mean()


class PrototypeTraining:
    """Model, optimiser and batches; `run` makes training steps.

    Attributes:
        model: the network.
        batch_size: clips a batch.
    """

    batch_size = 8
    accumulation = 2

    def __init__(self, clips: Sequence[ClipFile], statistics: tuple[Array, Array], seed: int = 42) -> None:
        torch.manual_seed(seed)
        words = Vocabulary([text for clip in clips for text in clip.texts])
        self.dataset = ClipDataset(clips, statistics, words, seed)
        self.labels = [clip.label for clip in clips]
        self.model = PrototypeModel(len(words)).train()
        self.optimiser = torch.optim.AdamW(self.model.parameters(), lr=1e-4, weight_decay=1e-5)
        self.seed = seed

    def batches(self, num_steps: int) -> DataLoader[tuple[Array, Array, list[int], list[int], int]]:
        """So many batches of 8 clips, made in this process."""
        self.seed += 1
        sampler = SentenceBatches(self.labels, num_steps, self.seed)
        return DataLoader(self.dataset, batch_sampler=sampler, collate_fn=collate, num_workers=0)

    def run(self, num_steps: int) -> list[float]:
        """Train for so many batches; their losses."""
        losses = []
        for number, views in enumerate(self.batches(num_steps), 1):
            loss = prototype_loss([self.model(view.features, view.tokens) for view in views], views)
            (loss / self.accumulation).backward()  # type: ignore[no-untyped-call]
            losses.append(float(loss.detach()))
            if number % self.accumulation == 0 or number == num_steps:
                nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
                self.optimiser.step()
                self.optimiser.zero_grad()
        return losses


def statistics_of(clips: Sequence[ClipFile]) -> tuple[Array, Array]:
    """Mean and spread (540,) over all frames (docs/contract.md 1.3)."""
    frames = np.concatenate([np.load(clip.path) for clip in clips]).astype(np.float64)
    return frames.mean(axis=0).astype(np.float32), np.sqrt(np.maximum(frames.var(axis=0), 1e-8)).astype(np.float32)
