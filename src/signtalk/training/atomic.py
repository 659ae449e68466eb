"""How Lightning writes the state that a run goes on from: whole, or not at all.

Lightning's own way leaves half a `last.ckpt` on a full disk, in the place of the good one before it.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO

from signtalk.files import atomic_path


class AtomicCheckpoints(TorchCheckpointIO):
    """Writes a checkpoint under another name and renames it when it is complete."""

    def save_checkpoint(
        self,
        checkpoint: dict[str, Any],
        path: Any,
        storage_options: Any | None = None,  # noqa: ARG002  # Lightning's signature
    ) -> None:
        """Write a checkpoint.

        Args:
            checkpoint: the state.
            path: of the file.
            storage_options: not used; a run lies on a disk.

        Raises:
            DataError: the disk is full, or the folder cannot be written.
        """
        memory = io.BytesIO()  # torch tells of a full disk in words of its own, Python in those of the system
        torch.save(checkpoint, memory)
        with atomic_path(Path(path)) as temporary:
            temporary.write_bytes(memory.getbuffer())
