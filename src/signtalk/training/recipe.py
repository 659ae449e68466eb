"""One object that says how a model is trained, and the named recipes.

A recipe is a tree of frozen settings. `Recipe.named` gives one, `Recipe.changed` applies `key=value`
overrides as the command line gives them; an unknown key or a value out of range is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, Self

from pydantic import BaseModel, Field, model_validator

from signtalk.data.tokenizer import TokenizerConfig
from signtalk.errors import ConfigError
from signtalk.landmarks.augment import AugmentConfig
from signtalk.landmarks.features import FeatureConfig
from signtalk.models.config import EncoderSize, LossConfig
from signtalk.training.settings import nearest, with_settings

RecipeName = Literal["default", "base", "body", "prototype", "gru", "transformer", "tiny"]
RECIPE_NAMES: tuple[RecipeName, ...] = ("default", "base", "body", "prototype", "gru", "transformer", "tiny")


class ViewConfig(BaseModel, frozen=True, extra="forbid"):
    """How training sees a clip.

    Attributes:
        num_views: views of each clip a step.
        kind: "augmented" varies the whole clip for each view; "even-odd" gives the prototype's views (even
            frames, odd frames), augmented likewise.
        random_crop: a clip longer than num_frames is cropped at a random place instead of in the middle
            (only where features crop).
        mask_share: share of valid frames that is hidden in spans for the masked-frame loss.
        mask_span: length of a hidden span, frames.
    """

    num_views: int = Field(default=1, ge=1, le=2)
    kind: Literal["augmented", "even-odd"] = "augmented"
    random_crop: bool = True
    mask_share: float = Field(default=0.0, ge=0, lt=1)
    mask_span: int = Field(default=8, ge=1)

    @classmethod
    def prototype(cls) -> ViewConfig:
        """Two views, even and odd frames, 15% of the frames hidden."""
        return cls(num_views=2, kind="even-odd", mask_share=0.15)


class NetworkConfig(EncoderSize, frozen=True, extra="forbid"):
    """Size of the network; what follows from the data (features, vocabulary) is added when it is built.

    Attributes are those of `encoders.EncoderSize`, with `decoder_` of `text_decoder.TextDecoderConfig` and with
    `text_` of `text_encoder.TextEncoderConfig`; `supcon_dim` is that of `model.ModelConfig`.
    """

    supcon_dim: int = Field(default=0, ge=0)
    decoder_width: int = Field(default=128, ge=2, multiple_of=2)
    decoder_layers: int = Field(default=2, ge=1)
    decoder_heads: int = Field(default=4, ge=1)
    decoder_feed_forward: int = Field(default=256, ge=1)
    decoder_dropout: float = Field(default=0.2, ge=0, lt=1)
    max_tokens: int = Field(default=64, ge=2)
    text_width: int = Field(default=128, ge=2, multiple_of=2)
    text_layers: int = Field(default=1, ge=0)
    text_heads: int = Field(default=4, ge=1)
    text_dropout: float = Field(default=0.1, ge=0, lt=1)

    @model_validator(mode="after")
    def _check_decoder(self) -> Self:
        if self.decoder_width % self.decoder_heads:
            sizes = f"decoder_width {self.decoder_width} is not a multiple of decoder_heads {self.decoder_heads}"
            raise ValueError(f"{sizes}; change one of them")
        if self.text_width % self.text_heads:
            sizes = f"text_width {self.text_width} is not a multiple of text_heads {self.text_heads}"
            raise ValueError(f"{sizes}; change one of them")
        return self


class OptimiserConfig(BaseModel, frozen=True, extra="forbid"):
    """How the weights are moved.

    Attributes:
        epochs: passes over the training clips.
        batch_size: clips a batch on each process.
        clips_per_class: least number of clips of each sentence in a batch.
        learning_rate: highest learning rate of AdamW.
        weight_decay: of AdamW.
        schedule: "cosine" falls once over the whole training; "warm-restarts" starts anew every
            restart_epochs (docs/contract.md 1.7); "constant" stays.
        warmup_share: share of all steps in which the rate rises from zero.
        restart_epochs: T0 of warm restarts.
        min_rate_share: lowest rate, as a share of learning_rate.
        accumulation: batches whose gradients are added up before a step.
        gradient_clip: largest norm of the gradient; 0 does not clip.
        patience: evaluations without improvement before training stops; 0 never stops early.
        val_every: epochs between two evaluations.
        precision: "auto" is mixed where there is a GPU and 32 bits on a CPU.
        initial_rate: learning rate of what `Recipe.init` gave, as a share of learning_rate.
    """

    epochs: int = Field(default=40, ge=1)
    batch_size: int = Field(default=24, ge=1)
    clips_per_class: int = Field(default=2, ge=1)
    learning_rate: float = Field(default=2e-3, gt=0)
    weight_decay: float = Field(default=0.05, ge=0)
    schedule: Literal["cosine", "warm-restarts", "constant"] = "cosine"
    warmup_share: float = Field(default=0.1, ge=0, lt=1)
    restart_epochs: int = Field(default=40, ge=1)
    min_rate_share: float = Field(default=0.0, ge=0, le=1)
    accumulation: int = Field(default=1, ge=1)
    gradient_clip: float = Field(default=5.0, ge=0)
    patience: int = Field(default=0, ge=0)
    val_every: int = Field(default=2, ge=1)
    precision: Literal["auto", "32-true", "16-mixed", "bf16-mixed"] = "auto"
    initial_rate: float = Field(default=0.5, gt=0, le=1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.batch_size < self.clips_per_class:
            sizes = f"batch_size {self.batch_size} is under clips_per_class {self.clips_per_class}"
            raise ValueError(f"{sizes}; a batch must hold the clips of one sentence, so raise it or lower the other")
        return self


class Recipe(BaseModel, frozen=True, extra="forbid"):
    """Everything that decides what a training run gives, but for the clips and the split.

    Attributes:
        name: the recipe it started from.
        init: what the encoder starts from: "base", a bundle with weights, a run or a checkpoint; "" = fresh weights.
        seed: of initial weights, batches, augmentation and dropout.
        features: from a clip to network input.
        augment: how clips are varied.
        views: how training sees a clip.
        tokenizer: what a token of the texts is.
        network: size of the network.
        losses: what is minimised.
        optimiser: how.
    """

    name: RecipeName = "default"
    init: str = ""
    seed: int = Field(default=42, ge=0)
    features: FeatureConfig = FeatureConfig(num_frames=64)
    augment: AugmentConfig = AugmentConfig()
    views: ViewConfig = ViewConfig()
    tokenizer: TokenizerConfig = TokenizerConfig()
    network: NetworkConfig = NetworkConfig()
    losses: LossConfig = LossConfig()
    optimiser: OptimiserConfig = OptimiserConfig()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.losses.mask_weight and not self.views.mask_share:
            weights = f"losses.mask_weight {self.losses.mask_weight:g} with views.mask_share 0"
            raise ValueError(
                f"{weights} hides no frame to reconstruct; set views.mask_share above 0, or the weight to 0"
            )
        return self

    @classmethod
    def named(cls, name: str) -> Recipe:
        """One of RECIPE_NAMES.

        Raises:
            ConfigError: there is none of this name.
        """
        if name not in RECIPE_NAMES:
            raise ConfigError(f"no recipe '{name}'{nearest(name, RECIPE_NAMES)}; there are {', '.join(RECIPE_NAMES)}")
        return cls.model_validate({"name": name, **_DIFFERENCES[name]})

    @classmethod
    def chosen(cls, name: str | None, assignments: Sequence[str] = ()) -> Recipe:
        """A recipe by name with settings applied.

        Args:
            name: one of RECIPE_NAMES; None = "base" where training starts from an encoder, else "default".
            assignments: `section.key=value`; one of them may be `init`.

        Raises:
            ConfigError: there is none of this name, or a setting is malformed, unknown or out of range.
        """
        recipe = cls.named(name or "default").changed(assignments)
        # An encoder comes along only into its own features and sizes, and those are most often the base's.
        return cls.named("base").changed(assignments) if name is None and recipe.init else recipe

    def changed(self, assignments: Iterable[str]) -> Recipe:
        """This recipe with `section.key=value` settings applied, values read as JSON where they can be.

        Raises:
            ConfigError: a setting is malformed, unknown or out of range.
        """
        return with_settings(self, assignments)


# docs/contract.md 1.4-1.7. The prototype's own faults that are errors of code (padding read as signing, a target that
# collapses, the last epoch shipped, augmented validation) are not brought back.
_PROTOTYPE: dict[str, Any] = {
    "features": FeatureConfig.prototype().model_dump(),
    "augment": AugmentConfig.prototype().model_dump(),
    "views": ViewConfig.prototype().model_dump(),
    "losses": LossConfig.prototype().model_dump(),
    "network": {
        "kind": "gru", "width": 160, "num_layers": 2, "num_heads": 4, "dropout": 0.1,
        "decoder_width": 256, "decoder_layers": 2, "decoder_heads": 4, "decoder_feed_forward": 1024,
        "decoder_dropout": 0.1,
    },
    "optimiser": {
        "epochs": 100, "batch_size": 8, "clips_per_class": 2, "learning_rate": 1e-4, "weight_decay": 1e-5,
        "schedule": "warm-restarts", "warmup_share": 0.0, "restart_epochs": 40, "min_rate_share": 0.2,
        "accumulation": 2, "gradient_clip": 1.0, "patience": 40, "val_every": 1,
    },
}  # fmt: skip

_DIFFERENCES: dict[str, dict[str, Any]] = {
    "default": {},
    "base": {  # starts from the encoder in the package, and so reads what that reads
        "init": "base",
        "features": {"num_frames": 64, "num_differences": 1, "use_hand_angles": True},
        "network": {"kernel_size": 11},
    },
    "body": {  # of a depth camera: body joints whose depth is measured, no hands
        "features": {
            "num_frames": 64, "use_hands": False, "use_hand_local": False, "use_pose_hands": True,
            "use_depth": True, "frontal": True, "use_bones": True,
        },
        "augment": {
            "time_warp": 0.6, "scale": 0.4, "hand_shift": 0.2, "noise": 0.03, "yaw_degrees": 25.0,
            "rotation_degrees": 15.0,
        },
        "optimiser": {"learning_rate": 3e-3},
    },
    "prototype": _PROTOTYPE,
    "gru": {"network": {"kind": "gru"}},
    "transformer": {
        "network": {"kind": "transformer", "width": 160, "num_layers": 4, "feed_forward": 512},
        "optimiser": {"learning_rate": 5e-4},
    },
    "tiny": {
        "features": {"num_frames": 32},
        "network": {
            "width": 32, "embedding_dim": 32, "num_layers": 1, "conv_blocks": 1, "kernel_size": 5,
            "feed_forward": 32, "num_heads": 2, "decoder_width": 32, "decoder_layers": 1, "decoder_heads": 2,
            "decoder_feed_forward": 32, "text_width": 32,
        },
        "optimiser": {"epochs": 4, "batch_size": 16},
    },
}  # fmt: skip
