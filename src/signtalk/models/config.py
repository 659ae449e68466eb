"""What networks are built from and what their losses weigh: settings alone, readable without torch.

Checkpoints and bundles hold these as JSON; a recipe names the part of them that does not follow from the data.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, Field, model_validator


class EncoderSize(BaseModel, frozen=True, extra="forbid"):
    """Size and kind of the sign encoder, as far as a recipe says it.

    Attributes:
        kind: which encoder.
        width: channels of the frame sequence inside (prototype: 160 for the projector).
        embedding_dim: D, length of the clip's vector.
        num_layers: GRU layers, transformer layers, or rounds of (conv_blocks convolutions + 1 attention).
        num_heads: attention heads.
        feed_forward: inner width of the feed-forward nets.
        conv_blocks: convolution blocks a round (conv-transformer).
        kernel_size: frames a convolution sees, odd (conv-transformer).
        dropout: share of activations dropped while training; for convolution blocks, of whole branches.
    """

    kind: Literal["gru", "transformer", "conv-transformer"] = "conv-transformer"
    width: int = Field(default=128, ge=8)
    embedding_dim: int = Field(default=256, ge=2)
    num_layers: int = Field(default=2, ge=1)
    num_heads: int = Field(default=4, ge=1)
    feed_forward: int = Field(default=256, ge=8)
    conv_blocks: int = Field(default=3, ge=1)
    kernel_size: int = Field(default=17, ge=1)
    dropout: float = Field(default=0.1, ge=0, lt=1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.kernel_size % 2 == 0:
            raise ValueError(f"kernel_size {self.kernel_size} is even; it must be odd, with a frame in its middle")
        if self.kind == "gru" and self.width % 2:
            raise ValueError(f"width {self.width} is odd; a GRU of two directions needs an even one")
        # The transformer attends in the embedding's width, with sine and cosine in turn; the GRU only pools by heads.
        attending = {"conv-transformer": "width", "transformer": "embedding_dim"}.get(self.kind)
        if attending is not None and getattr(self, attending) % self.num_heads:
            size = f"{attending} {getattr(self, attending)}"
            raise ValueError(f"{size} is not a multiple of num_heads {self.num_heads}; change one of them")
        if self.kind == "transformer" and self.embedding_dim % 2:
            raise ValueError(f"embedding_dim {self.embedding_dim} is odd; the transformer's positions need an even one")
        return self


class EncoderConfig(EncoderSize, frozen=True, extra="forbid"):
    """All that an encoder is built from: its size, and F, columns of the features."""

    num_features: int = Field(ge=1)

    @property
    def memory_width(self) -> int:
        """Width of the memory that the text decoder reads."""
        return self.width if self.kind == "conv-transformer" else self.embedding_dim


class TextDecoderConfig(BaseModel, frozen=True, extra="forbid"):
    """Size of the text decoder.

    Attributes:
        vocabulary_size: V, number of token ids.
        width: channels inside.
        num_layers: decoder layers.
        num_heads: attention heads; they divide the width.
        feed_forward: inner width of the feed-forward nets.
        dropout: share of activations dropped while training.
        max_tokens: most tokens a text may have after sos, eos included; longer input is refused.
        memory_width: M, channels of the memory; projected when it is not `width`.
        tied_weights: use the token embedding as the output layer's weight too.
        pad_id: id that fills up short texts.
        sos_id: id every text starts with.
        eos_id: id every text ends with.
    """

    vocabulary_size: int = Field(ge=4)
    width: int = Field(default=256, ge=2, multiple_of=2)
    num_layers: int = Field(default=2, ge=1)
    num_heads: int = Field(default=4, ge=1)
    feed_forward: int = Field(default=1024, ge=1)
    dropout: float = Field(default=0.1, ge=0, lt=1)
    max_tokens: int = Field(default=64, ge=1)
    memory_width: int = Field(default=256, ge=1)
    tied_weights: bool = False
    pad_id: int = Field(default=0, ge=0)
    sos_id: int = Field(default=1, ge=0)
    eos_id: int = Field(default=2, ge=0)

    @model_validator(mode="after")
    def _check(self) -> TextDecoderConfig:
        if self.width % self.num_heads:
            raise ValueError(f"width {self.width} is not a multiple of {self.num_heads} heads")
        specials = {self.pad_id, self.sos_id, self.eos_id}
        if len(specials) != 3 or max(specials) >= self.vocabulary_size:
            raise ValueError(f"pad, sos and eos ids {sorted(specials)}; expected three below {self.vocabulary_size}")
        return self


class TextEncoderConfig(BaseModel, frozen=True, extra="forbid"):
    """Size of the text encoder.

    Attributes:
        vocabulary_size: V, number of token ids.
        embedding_dim: D, that of the sign encoder.
        width: channels inside.
        num_layers: attention layers; 0 leaves a weighed bag of words.
        num_heads: attention heads; they divide the width.
        dropout: share of activations dropped while training.
    """

    vocabulary_size: int = Field(ge=4)
    embedding_dim: int = Field(ge=2)
    width: int = Field(default=128, ge=2, multiple_of=2)
    num_layers: int = Field(default=1, ge=0)
    num_heads: int = Field(default=4, ge=1)
    dropout: float = Field(default=0.1, ge=0, lt=1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.width % self.num_heads:
            raise ValueError(f"text encoder width {self.width} is not a multiple of {self.num_heads} heads")
        return self


class ModelConfig(BaseModel, frozen=True, extra="forbid"):
    """Everything needed to build the network again.

    Attributes:
        encoder: the sign encoder.
        decoder: the text decoder.
        num_coordinates: how many of the first feature columns the masked-frame head predicts.
        supcon_dim: width of the projection that the contrastive loss sees; 0 lets it see the embedding.
        spells: the word head is trained (CTC), so what it says of each frame counts in answers and texts.
        motion: where a frame's motion is read, which attention pooling looks at: "last-column" of the features, or
            how far the "prototype-rows" moved since the frame before (docs/contract.md 1.3).
        text_encoder: the text encoder; None for a model that was not taught to place texts among signs.
    """

    encoder: EncoderConfig
    decoder: TextDecoderConfig
    num_coordinates: int = Field(ge=1)
    supcon_dim: int = Field(default=0, ge=0)
    spells: bool = True
    motion: Literal["last-column", "prototype-rows"] = "last-column"
    text_encoder: TextEncoderConfig | None = None


class LossConfig(BaseModel, frozen=True, extra="forbid"):
    """Weights and figures of the losses; a weight of 0 leaves a part out.

    Attributes:
        supcon_weight: supervised contrastive loss over both views (Khosla et al. 2020).
        temperature: its softmax divisor.
        memory_size: embeddings of earlier batches it is compared with as well (Wang et al. 2020); 0 = none.
        class_weight: sub-centre ArcFace over the training sentences (Deng et al. 2020).
        arcface_margin: its angular margin, radians.
        arcface_scale: its inverse temperature.
        sub_centres: centres a sentence.
        text_weight: next-token cross-entropy of the decoder.
        label_smoothing: of the text loss.
        ctc_weight: words of the sentence in order over the frames (Graves et al. 2006).
        mask_weight: reconstruction of hidden frames.
        align_weight: signs and texts in one space; 0 = the model has no text encoder.
        align_temperature: softmax divisor of this loss.
        align_gradient: the alignment moves the sign encoder too; otherwise texts alone move towards signs.
    """

    supcon_weight: float = Field(default=0.2, ge=0)
    temperature: float = Field(default=0.1, gt=0)
    memory_size: int = Field(default=0, ge=0)
    class_weight: float = Field(default=0.1, ge=0)
    arcface_margin: float = Field(default=0.2, ge=0, le=1.5)
    arcface_scale: float = Field(default=20.0, gt=0)
    sub_centres: int = Field(default=1, ge=1)
    text_weight: float = Field(default=0.5, ge=0)
    label_smoothing: float = Field(default=0.1, ge=0, lt=1)
    ctc_weight: float = Field(default=1.0, ge=0)
    mask_weight: float = Field(default=0.0, ge=0)
    align_weight: float = Field(default=0.5, ge=0)
    align_temperature: float = Field(default=0.07, gt=0)
    align_gradient: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        weights = {name: value for name, value in self if name.endswith("_weight")}
        if self.align_gradient and not self.align_weight:
            raise ValueError("align_gradient without align_weight moves nothing; set align_weight above 0")
        if not any(weights.values()):
            raise ValueError(f"{', '.join(weights)} are all 0, so nothing can be learned; set one above 0")
        return self

    @classmethod
    def prototype(cls) -> LossConfig:
        """docs/contract.md 1.7: 0.5 SupCon + 0.5 text + 0.2 masked frames, temperature 0.07; no memory or alignment."""
        return cls(
            supcon_weight=0.5, temperature=0.07, memory_size=0, class_weight=0.0,
            text_weight=0.5, label_smoothing=0.1, ctc_weight=0.0, mask_weight=0.2, align_weight=0.0,
        )  # fmt: skip
