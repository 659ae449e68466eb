"""How threads of the numeric libraries share a machine with other programs.

Call `wait_passively` before NumPy, PyTorch or scikit-learn is imported: OpenMP reads its settings when it is loaded.
"""

from __future__ import annotations

import os
from pathlib import Path

_CGROUP_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def wait_passively() -> None:
    """Let idle threads sleep instead of spinning, for this process and those that it starts.

    A thread that spins takes a core from whatever else runs, and from the thread that it waits for. What the user has
    set stays.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def usable_cores(quota: Path = _CGROUP_QUOTA) -> int:
    """Cores that this process may keep busy: by its affinity, and by the quota of its container.

    Args:
        quota: where Linux says "microseconds of time, microseconds of period"; "max" for the first is no quota.

    Returns:
        At least 1; a part of a core counts as one.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        allowed, period = (int(word) for word in quota.read_text(encoding="ascii").split())
    except (OSError, ValueError):  # no container, or no quota
        return cores
    return max(1, min(cores, -(-allowed // period)))
