"""The text decoder: reads an encoder's memory and says, token by token, what was signed.

    memory (B, T', M) + tokens so far -> logits of the next token

Training feeds whole sentences (`forward`), decoding one token at a time with cached keys and values
(`step`), and export wraps the same two calls (`DecoderStart`, `DecoderStep`). All of them run
`_read`, and everything that a step remembers is an explicit tensor, so that the three cannot differ.

Token embeddings start small and are not scaled by sqrt(width): a decoder that hears its own last words
loudly learns the training sentences by heart instead of reading the memory (on made-up sentences the
loss on new texts was 1.5 against 2.6). Each block normalises its input, the usual choice for deeper stacks; at two
layers normalising the output instead did as well or a little better.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from signtalk.arrays import BoolArray, FloatArray, IntArray
from signtalk.models.config import TextDecoderConfig
from signtalk.models.layers import sinusoidal_positions

_EMBEDDING_STD = 0.02
_CACHE_BATCH_AXIS = 2
_CACHE_LENGTH_AXIS = 4


class _Attention(nn.Module):
    """Multi-head attention whose keys and values are handed in, so that a caller may cache them."""

    def __init__(self, width: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.output = nn.Linear(width, width)

    def keys_values(self, source: Tensor) -> Tensor:
        """(2, B, heads, S, d): keys and values of (B, S, width)."""
        batch, length, width = source.shape
        parts = self.key_value(source).view(batch, length, 2, self.num_heads, width // self.num_heads)
        split: Tensor = parts.permute(2, 0, 3, 1, 4)
        return split

    def forward(self, queries: Tensor, keys_values: Tensor, allowed: Tensor | None) -> Tensor:
        """Attend from (B, S, width) to cached keys; `allowed` is True where a query may look, None everywhere."""
        batch, length, width = queries.shape
        heads = self.query(queries).view(batch, length, self.num_heads, width // self.num_heads).transpose(1, 2)
        mixed = scaled_dot_product_attention(heads, keys_values[0], keys_values[1], attn_mask=allowed)
        attended: Tensor = self.output(mixed.transpose(1, 2).reshape(batch, length, width))
        return attended


class _DecoderLayer(nn.Module):
    """Self-attention, attention to the memory, feed-forward; each normalised before and added after."""

    def __init__(self, config: TextDecoderConfig) -> None:
        super().__init__()
        self.norm_self = nn.LayerNorm(config.width)
        self.self_attention = _Attention(config.width, config.num_heads)
        self.norm_cross = nn.LayerNorm(config.width)
        self.cross_attention = _Attention(config.width, config.num_heads)
        self.norm_feed_forward = nn.LayerNorm(config.width)
        self.feed_forward = nn.Sequential(
            nn.Linear(config.width, config.feed_forward),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.feed_forward, config.width),
        )
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self, sequence: Tensor, cache: Tensor, cross: Tensor, causal: Tensor | None, readable: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Transform (B, S, width); also return this layer's cache with the S new keys and values appended."""
        normal = self.norm_self(sequence)
        cache = torch.cat([cache, self.self_attention.keys_values(normal)], dim=-2)
        sequence = sequence + self.dropout(self.self_attention(normal, cache, causal))
        sequence = sequence + self.dropout(self._read_memory(self.norm_cross(sequence), cross, readable))
        return sequence + self.dropout(self.feed_forward(self.norm_feed_forward(sequence))), cache

    def _read_memory(self, queries: Tensor, cross: Tensor, readable: Tensor) -> Tensor:
        """(B, S, width) what each sequence reads; where memories are fewer, sequences side by side share one."""
        num_memories, width = cross.shape[1], queries.shape[-1]
        if num_memories == len(queries):
            read: Tensor = self.cross_attention(queries, cross, readable)
            return read
        together: Tensor = self.cross_attention(queries.reshape(num_memories, -1, width), cross, readable)
        return together.reshape(queries.shape)


class TextDecoder(nn.Module):
    """Transformer decoder over word tokens.

    Attributes:
        config: what it was built from.
    """

    def __init__(self, config: TextDecoderConfig) -> None:
        super().__init__()
        self.config = config
        projects = config.memory_width != config.width
        self.memory_projection = nn.Linear(config.memory_width, config.width) if projects else nn.Identity()
        self.embedding = nn.Embedding(config.vocabulary_size, config.width, padding_idx=config.pad_id)
        self.dropout = nn.Dropout(config.dropout)
        self.layers = nn.ModuleList(_DecoderLayer(config) for _ in range(config.num_layers))
        self.norm = nn.LayerNorm(config.width)
        self.output = nn.Linear(config.width, config.vocabulary_size)
        self._initialise()
        if config.tied_weights:
            self.output.weight = self.embedding.weight

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        nn.init.normal_(self.embedding.weight, std=_EMBEDDING_STD)
        with torch.no_grad():
            self.embedding.weight[self.config.pad_id].zero_()

    def start(self, memory: Tensor, memory_valid: Tensor) -> Tensor:
        """Compute once what every step reads of the memory.

        Args:
            memory: (B, T', M); what padding holds, NaN included, does not matter.
            memory_valid: (B, T') bool, True = real frame.

        Returns:
            (layers, 2, B, heads, T', d): keys and values of the memory for each layer.
        """
        clean = memory.masked_fill(~memory_valid.unsqueeze(-1), 0.0)
        source = self.memory_projection(clean)
        layers = cast("Iterable[_DecoderLayer]", self.layers)
        return torch.stack([layer.cross_attention.keys_values(source) for layer in layers])

    def forward(self, tokens: Tensor, memory: Tensor, memory_valid: Tensor) -> Tensor:
        """Logits of every next token of whole texts (teacher forcing).

        Args:
            tokens: (B, S) int64, starting with sos; padding at the end does not reach the tokens before it.
            memory: (B, T', M).
            memory_valid: (B, T') bool, True = real frame.

        Returns:
            (B, S, V): entry s is what follows tokens 0 to s.

        Raises:
            ValueError: S is over `max_tokens`.
        """
        if tokens.shape[1] > self.config.max_tokens:
            raise ValueError(
                f"texts of {tokens.shape[1]} tokens; this decoder takes {self.config.max_tokens} (raise max_tokens)"
            )
        cross = self.start(memory, memory_valid)
        logits, _ = self._read(tokens, memory_valid, cross, self.empty_cache(len(tokens)))
        return logits

    def step(self, tokens: Tensor, memory_valid: Tensor, cross: Tensor, cache: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the next token, given one more token a row.

        Args:
            tokens: (B,) int64, the last token of each row; sos at first.
            memory_valid: (B, T') bool, True = real frame.
            cross: (layers, 2, B, heads, T', d) from `start`.
            cache: (layers, 2, B, heads, S, d), keys and values of the S tokens before; S = 0 at first.

        Returns:
            (B, V) logits, and the cache of S + 1 tokens; the inputs are not changed.
        """
        logits, caches = self._read(tokens.unsqueeze(1), memory_valid, cross, cache)
        return logits.squeeze(1), torch.stack(caches)

    def empty_cache(self, num_rows: int) -> Tensor:
        """(layers, 2, B, heads, 0, d): the cache before the first token."""
        config = self.config
        shape = (config.num_layers, 2, num_rows, config.num_heads, 0, config.width // config.num_heads)
        return self.output.weight.new_zeros(shape)

    def _read(self, tokens: Tensor, memory_valid: Tensor, cross: Tensor, cache: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The one path of training, decoding and export: S new tokens after the cached ones."""
        num_cached, num_new = cache.shape[_CACHE_LENGTH_AXIS], tokens.shape[1]
        positions = torch.arange(num_cached, num_cached + num_new, device=tokens.device)
        sequence = self.embedding(tokens)
        sequence = self.dropout(sequence + sinusoidal_positions(positions, self.config.width).to(sequence.dtype))
        # A single new token may look at everything before it; only several need the causal mask.
        everything = torch.arange(num_cached + num_new, device=tokens.device)
        causal = None if num_new == 1 else everything <= positions.unsqueeze(-1)
        # True = may look, for our masks as for scaled_dot_product_attention. A row without any valid
        # frame would be a softmax over nothing; it reads the zeros that `start` put there.
        readable = (memory_valid | ~memory_valid.any(dim=1, keepdim=True))[:, None, None, :]
        caches = []
        for i, layer in enumerate(self.layers):
            sequence, layer_cache = layer(sequence, cache[i], cross[i], causal, readable)
            caches.append(layer_cache)
        return self.output(self.norm(sequence)), caches


class DecoderStart(nn.Module):
    """`TextDecoder.start` as a graph: (memory, memory_valid) -> cross."""

    def __init__(self, decoder: TextDecoder) -> None:
        super().__init__()
        self.decoder = decoder
        self.train(decoder.training)

    def forward(self, memory: Tensor, memory_valid: Tensor) -> Tensor:
        """Keys and values of the memory, shaped as `TextDecoder.start` says."""
        return self.decoder.start(memory, memory_valid)


class DecoderStep(nn.Module):
    """`TextDecoder.step` as a graph: (tokens, memory_valid, cross, cache) -> (log_probs, new_cache)."""

    def __init__(self, decoder: TextDecoder) -> None:
        super().__init__()
        self.decoder = decoder
        self.train(decoder.training)

    def forward(self, tokens: Tensor, memory_valid: Tensor, cross: Tensor, cache: Tensor) -> tuple[Tensor, Tensor]:
        """(B, V) float32 log probabilities of the next token and the grown cache; shapes as `TextDecoder.step`."""
        logits, cache = self.decoder.step(tokens, memory_valid, cross, cache)
        return logits.float().log_softmax(dim=-1), cache


@dataclass(frozen=True, eq=False)
class _TorchState:
    """What a decoding remembers, one row a beam.

    Attributes:
        clips: (B,) the row of `start` that each row reads.
        memories: (A,) the row of `start` that each memory is of, one for all beams of a clip: `select` leaves the
            large `cross` alone as long as the same clips are searched.
        memory_valid: (A, T') bool.
        cross: (layers, 2, A, heads, T', d).
        cache: (layers, 2, B, heads, S, d).
    """

    clips: IntArray
    memories: IntArray
    memory_valid: Tensor
    cross: Tensor
    cache: Tensor

    def select(self, rows: npt.NDArray[np.integer]) -> _TorchState:
        """The state of `rows`, in their order, repeats allowed."""
        index = torch.as_tensor(rows, dtype=torch.int64, device=self.cache.device)
        cache, clips = self.cache.index_select(_CACHE_BATCH_AXIS, index), self.clips[rows]
        memories = _memories_of(clips)
        if np.array_equal(memories, self.memories):
            return replace(self, clips=clips, cache=cache)
        place = {memory: place for place, memory in enumerate(self.memories.tolist())}
        places = [place[memory] for memory in memories.tolist()]
        kept = torch.as_tensor(places, dtype=torch.int64, device=self.cross.device)
        cross, valid = self.cross.index_select(_CACHE_BATCH_AXIS, kept), self.memory_valid.index_select(0, kept)
        return _TorchState(clips, memories, valid, cross, cache)


def _memories_of(clips: IntArray) -> IntArray:
    """The clips of rows, one for all rows of a clip where these are as many of each and stand side by side."""
    first = np.flatnonzero(np.diff(clips, prepend=-1))
    width, rest = divmod(len(clips), max(len(first), 1))
    return clips[first] if not rest and (np.diff(first) == width).all() else clips


class TorchStepDecoder:
    """A `TextDecoder` as a `decoding.StepDecoder`: numpy in and out, no gradients.

    Attributes:
        sos_id: id every text starts with.
        eos_id: id every text ends with.
        vocabulary_size: V.
    """

    def __init__(self, decoder: TextDecoder) -> None:
        self.sos_id = decoder.config.sos_id
        self.eos_id = decoder.config.eos_id
        self.vocabulary_size = decoder.config.vocabulary_size
        self._decoder = decoder
        self._step = DecoderStep(decoder)

    @torch.no_grad()
    def start(self, memory: FloatArray, memory_valid: BoolArray) -> _TorchState:
        """Read the memory of a batch of clips.

        Args:
            memory: (B, T', M) float32.
            memory_valid: (B, T') bool, True = real frame.

        Returns:
            The state before the first token.

        Raises:
            ValueError: the decoder is in training mode, whose dropout would make answers random.
        """
        if self._decoder.training:
            raise ValueError("the decoder is in training mode; call eval() before decoding")
        weight = self._decoder.output.weight
        valid = torch.as_tensor(memory_valid, dtype=torch.bool, device=weight.device)
        cross = self._decoder.start(torch.as_tensor(memory, dtype=weight.dtype, device=weight.device), valid)
        clips = np.arange(len(memory), dtype=np.int64)
        return _TorchState(clips, clips, valid, cross, self._decoder.empty_cache(len(memory)))

    @torch.no_grad()
    def step(self, tokens: IntArray, state: _TorchState) -> tuple[FloatArray, _TorchState]:
        """Say one more token a row.

        Args:
            tokens: (B,) int64.
            state: of `start` or the step before; it is not changed.

        Returns:
            (B, V) float32 log probabilities of the next token, and the state after.

        Raises:
            ValueError: the texts have reached the decoder's `max_tokens`.
        """
        if state.cache.shape[_CACHE_LENGTH_AXIS] >= self._decoder.config.max_tokens:
            raise ValueError(f"this decoder was built for texts of {self._decoder.config.max_tokens} tokens; ask fewer")
        inputs = torch.as_tensor(tokens, dtype=torch.int64, device=state.cache.device)
        log_probs, cache = self._step(inputs, state.memory_valid, state.cross, state.cache)
        return log_probs.cpu().numpy(), replace(state, cache=cache)
