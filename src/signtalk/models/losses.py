"""What training minimises: one number a part, each from tensors alone.

contrastive (SupCon, cross-batch memory) + class (sub-centre ArcFace) + text (cross-entropy)
+ words (CTC) + masked frames (smooth L1) + sign-text alignment (InfoNCE both ways)
"""

from __future__ import annotations

import math
from typing import Self

import torch
from pydantic import BaseModel, Field, model_validator
from pytorch_metric_learning.losses import CrossBatchMemory, SubCenterArcFaceLoss, SupConLoss
from torch import Tensor, nn

from signtalk.models.model import ModelConfig, TrainingOutput


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
        """SPEC 1.7: 0.5 SupCon + 0.5 text + 0.2 masked frames, temperature 0.07, no memory, no alignment."""
        return cls(
            supcon_weight=0.5, temperature=0.07, memory_size=0, class_weight=0.0,
            text_weight=0.5, label_smoothing=0.1, ctc_weight=0.0, mask_weight=0.2, align_weight=0.0,
        )  # fmt: skip


class LossTargets(nn.Module):
    """The losses and their own parameters (class centres) and memory.

    Attributes:
        config: weights and figures.
        pad_id: token id that the text loss ignores and that is CTC's blank.
    """

    def __init__(self, config: LossConfig, model: ModelConfig, num_classes: int) -> None:
        super().__init__()
        self.config = config
        self.pad_id = model.decoder.pad_id
        dim = model.supcon_dim or model.encoder.embedding_dim
        self.supcon: nn.Module = SupConLoss(temperature=config.temperature)
        if config.memory_size:
            self.supcon = CrossBatchMemory(self.supcon, dim, memory_size=config.memory_size)
        self.classes = SubCenterArcFaceLoss(
            num_classes=num_classes,
            embedding_size=model.encoder.embedding_dim,
            margin=math.degrees(config.arcface_margin),
            scale=config.arcface_scale,
            sub_centers=config.sub_centres,
        )

    def forget(self) -> None:
        """Empty the memory: an epoch starts the same whether training was resumed before it or not."""
        if isinstance(self.supcon, CrossBatchMemory):
            self.supcon.reset_queue()

    def forward(
        self, output: TrainingOutput, labels: Tensor, texts: Tensor, words: Tensor, hidden: Tensor
    ) -> dict[str, Tensor]:
        """Weighted parts of the loss over a batch; their sum is what is minimised.

        Args:
            output: one pass over B rows; rows of one class are each other's positives.
            labels: (B,) int64 class of each row.
            texts: (B, S) int64 target tokens, eos last, then padding.
            words: (B, W) int64 words of the canonical sentence for CTC, then padding.
            hidden: (B, T, num_coordinates) float32 true standardised coordinates; NaN where the frame was not
                hidden or the landmark is missing.

        Returns:
            "supcon", "class", "text", "ctc", "mask", "align": scalars; a part of weight 0 is absent.
        """
        config, encoded = self.config, output.encoded
        parts: dict[str, Tensor] = {}
        if config.supcon_weight:
            parts["supcon"] = config.supcon_weight * self.supcon(output.contrast.float(), labels)
        if config.class_weight:
            parts["class"] = config.class_weight * self.classes(encoded.embedding.float(), labels)
        if config.text_weight:
            parts["text"] = config.text_weight * self.text_loss(output.text_logits, texts)
        if config.ctc_weight:
            valid = encoded.attention > 0
            parts["ctc"] = config.ctc_weight * ctc_loss(output.word_log_probs, valid, words, self.pad_id)
        if config.mask_weight:
            parts["mask"] = config.mask_weight * mask_loss(output.reconstruction, hidden)
        if config.align_weight:
            assert output.text_embedding is not None  # `training.model_config` gives such a model a text encoder
            signs = encoded.embedding if config.align_gradient else encoded.embedding.detach()
            found = alignment_loss(signs, output.text_embedding, labels, config.align_temperature)
            parts["align"] = config.align_weight * found
        return parts

    def text_loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy with label smoothing over (B, S, V) and (B, S); padding does not count."""
        return nn.functional.cross_entropy(
            logits.flatten(0, 1).float(),
            targets.flatten(),
            ignore_index=self.pad_id,
            label_smoothing=self.config.label_smoothing,
        )


def ctc_loss(log_probs: Tensor, valid: Tensor, words: Tensor, blank_id: int) -> Tensor:
    """CTC of (B, T, V) frame log probabilities against (B, W) words; each clip counts by its words.

    A clip whose sentence does not fit into its frames gives 0 instead of infinity.
    """
    return nn.functional.ctc_loss(
        log_probs.transpose(0, 1).float(),
        words,
        valid.sum(dim=1),
        (words != blank_id).sum(dim=1),
        blank=blank_id,
        zero_infinity=True,
    )


def mask_loss(reconstruction: Tensor, truth: Tensor) -> Tensor:
    """Smooth L1 between predicted and true coordinates where `truth` is not NaN; 0 when nothing was hidden."""
    known = ~torch.isnan(truth)
    errors = nn.functional.smooth_l1_loss(reconstruction.float(), torch.nan_to_num(truth), reduction="none")
    return (errors * known).sum() / known.sum().clamp_min(1)


def alignment_loss(signs: Tensor, texts: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """InfoNCE from signs to texts and from texts to signs, averaged; rows of one class are all positives.

    Args:
        signs: (B, D) unit length.
        texts: (B, D) unit length, the text of each row, a paraphrase perhaps.
        labels: (B,) int64 class of each row.
        temperature: softmax divisor.

    Source:
        Radford et al. (2021), figure 3, with the positives of Khosla et al. (2020), equation 2.
    """
    logits = signs.float() @ texts.float().T / temperature
    positive = (labels[:, None] == labels[None]).float()
    share = positive / positive.sum(dim=1, keepdim=True)
    both = [-(share * part.log_softmax(dim=1)).sum(dim=1).mean() for part in (logits, logits.T)]
    return (both[0] + both[1]) / 2
