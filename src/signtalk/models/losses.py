"""What training minimises: one number a part, each from tensors alone.

contrastive (SupCon, cross-batch memory) + class (sub-centre ArcFace) + text (cross-entropy)
+ words (CTC) + masked frames (smooth L1) + sign-text alignment (InfoNCE both ways)
"""

from __future__ import annotations

import math

import torch
from pytorch_metric_learning.losses import CrossBatchMemory, SubCenterArcFaceLoss, SupConLoss
from torch import Tensor, nn

from signtalk.models.config import LossConfig, ModelConfig
from signtalk.models.model import TrainingOutput


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
            alignment = alignment_loss(signs, output.text_embedding, labels, config.align_temperature)
            parts["align"] = config.align_weight * alignment
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

    Args:
        log_probs: (B, T, V).
        valid: (B, T) bool, True = real frame; padding stands at the end.
        words: (B, W) int64 ids, padded with the blank.
        blank_id: id of "no word".
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
