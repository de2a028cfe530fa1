"""Tasks that cannot be loaded where a CUDA device may be seen."""

from __future__ import annotations

import os
import sys

from tests.support.executor_tasks import DEVICE, ENGINE, TASKS

__all__ = ["DEVICE", "ENGINE", "TASKS"]

if os.environ["CUDA_VISIBLE_DEVICES"]:
    sys.exit(1)
