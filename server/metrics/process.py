"""What a process costs the machine."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Literal

from .samples import Samples

Role = Literal["desk", "door"]


def add_process(samples: Samples, role: Role) -> None:
    """Memory, where the system tells it of itself (Linux), and processor time of this process."""
    samples.add("process_resident_memory_bytes", _resident_bytes(), role=role)
    samples.add("process_cpu_seconds", time.process_time(), role=role)


def _resident_bytes() -> int | None:
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
