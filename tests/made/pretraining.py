"""A pretraining of seconds, and what comes of it."""

from pathlib import Path

from signtalk.training.pretrain import PretrainResult, pretrain
from signtalk.training.pretrain_config import PretrainConfig
from signtalk.training.settings import with_settings
from signtalk.training.trainer import TrainOptions

TINY = with_settings(
    PretrainConfig(),
    [
        "epochs=2", "steps_per_epoch=3", "groups=4", "people=2", "pool_groups=6", "pools=2", "steps_per_pool=2",
        "frame_counts=[12]", "features.num_frames=16", "encoder.width=16", "encoder.embedding_dim=16",
        "encoder.num_layers=1", "encoder.conv_blocks=1", "encoder.kernel_size=3", "encoder.num_heads=2",
        "encoder.feed_forward=16", "unseen_groups=6",
    ],
)  # fmt: skip


def pretrained(out: Path, resume: bool = False, stop_after: int | None = None, **data: object) -> PretrainResult:
    options = TrainOptions(out, resume=resume, progress=False, stop_after=stop_after)
    return pretrain(TINY, options, **data)  # type: ignore[arg-type]  # the caller's folders
