"""One object that says how a base encoder is pretrained."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, Field, model_validator

from signtalk.landmarks.augment import AugmentConfig
from signtalk.landmarks.features import FeatureConfig
from signtalk.models.config import EncoderSize
from signtalk.synthetic.camera import TrackerKind
from signtalk.synthetic.endless import EndlessConfig

BASE_FEATURES = FeatureConfig(num_frames=64, num_differences=1, use_hand_angles=True)
BODY_FEATURES = FeatureConfig(
    num_frames=64, num_differences=1, use_hands=False, use_hand_local=False, use_pose_hands=True, use_depth=True,
    frontal=True, use_bones=True, use_centred=True,
)  # fmt: skip
BASE_AUGMENTATION = AugmentConfig(
    mirror_probability=0.3, yaw_degrees=25, scale=0.25, hand_shift=0.12, noise=0.015, frame_dropout=0.25,
    frame_dropout_probability=0.4, trim=0.12, time_warp=0.4,
)  # fmt: skip
"""More than a recipe varies: the people to come are further away than a data set's own."""
_BODY_AUGMENTATION = BASE_AUGMENTATION.model_copy(
    update={
        "mirror_probability": 0.0, "time_warp": 0.6, "scale": 0.4, "hand_shift": 0.2, "noise": 0.03,
        "rotation_degrees": 15.0,
    }
)  # fmt: skip
"""Tempo, size, hands, noise and rotation vary as in the recipe `body`."""


class PretrainConfig(BaseModel, frozen=True, extra="forbid"):
    """Everything that decides what pretraining gives, but for the recorded clips.

    Attributes:
        name: what trackers find: "hands" for the base of clips with hands, "body" for that of body joints alone.
        seed: of signs, people, batches and weights.
        epochs: parts of the training; after each the model is measured and a state kept to go on from.
        steps_per_epoch: batches of a part.
        groups: signs of a batch.
        people: clips of each sign in a batch, by different people.
        recorded_share: batches that come from recorded clips, where there are some.
        pool_groups: groups that are made at once; their clips are drawn again until the next ones are ready.
        steps_per_pool: after so many batches the next pool joins.
        pools: how many of the latest pools are drawn from.
        frame_counts: a batch is stretched to one of these numbers of frames.
        learning_rate: highest, of AdamW; falls to zero along a cosine.
        weight_decay: of AdamW.
        warmup_share: of all steps, in which the rate rises.
        gradient_clip: largest norm of the gradient.
        average_decay: what is kept is a running mean of the weights; each step keeps this share of it.
        temperature: softmax divisor of the contrastive loss.
        unseen_groups: made-up signs that the best epoch is chosen on.
        phonology_weight: of telling a sign's parameters from the clip's vector, and again from each frame.
        features: from a clip to network input.
        augment: how clips are varied.
        encoder: size of the network.
    """

    name: TrackerKind = "hands"
    seed: int = Field(default=0, ge=0)
    epochs: int = Field(default=40, ge=1)
    steps_per_epoch: int = Field(default=200, ge=1)
    groups: int = Field(default=24, ge=2, multiple_of=2)
    people: int = Field(default=4, ge=2)
    recorded_share: float = Field(default=0.25, ge=0, le=1)
    pool_groups: int = Field(default=1000, ge=2, multiple_of=2)
    steps_per_pool: int = Field(default=100, ge=1)
    pools: int = Field(default=12, ge=1)
    frame_counts: tuple[int, ...] = (32, 48, 64)
    learning_rate: float = Field(default=2e-3, gt=0)
    weight_decay: float = Field(default=0.05, ge=0)
    warmup_share: float = Field(default=0.02, ge=0, lt=1)
    gradient_clip: float = Field(default=5.0, gt=0)
    average_decay: float = Field(default=0.998, ge=0, lt=1)
    temperature: float = Field(default=0.1, gt=0)
    phonology_weight: float = Field(default=0.3, ge=0)
    unseen_groups: int = Field(default=150, ge=2, multiple_of=2)
    features: FeatureConfig = BASE_FEATURES
    augment: AugmentConfig = BASE_AUGMENTATION
    encoder: EncoderSize = EncoderSize(kernel_size=11)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.frame_counts or min(self.frame_counts) < 4:
            raise ValueError("frame_counts needs numbers of 4 or more")
        if self.features.preset != "landmarks" or self.features.resampling != "whole":
            raise ValueError("pretraining stretches whole clips: keep preset and resampling of the features")
        if self.features.use_hands != (self.name == "hands"):
            raise ValueError(
                f'name is "{self.name}" and features.use_hands {self.features.use_hands}: hands are read where '
                "trackers find them"
            )
        if self.groups > self.pool_groups:
            raise ValueError(f"{self.groups} groups a batch from pools of {self.pool_groups}; make pools larger")
        return self

    @classmethod
    def named(cls, name: TrackerKind) -> PretrainConfig:
        """The settings of one of the two bases."""
        if name == "hands":
            return cls()
        # Another person's left is not this one's right where no hand tells which: bodies are not mirrored.
        return cls(name="body", features=BODY_FEATURES, augment=_BODY_AUGMENTATION)

    def made_up(self, later_seed: int = 0) -> EndlessConfig:
        """The signs and people that are drawn.

        Args:
            later_seed: added to the seed, for signs and people that training never meets.
        """
        return EndlessConfig(seed=self.seed + later_seed, people=self.people, trackers=self.name)
