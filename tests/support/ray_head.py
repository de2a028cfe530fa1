"""A Ray for tests, on this machine: prints its address and ends when stdin does.

Run as `python -m tests.support.ray_head FOLDER`.
"""

from __future__ import annotations

import sys

import ray


def main() -> None:
    context = ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        object_store_memory=100 << 20,
        _temp_dir=sys.argv[1],
    )
    print(context.address_info["gcs_address"], flush=True)
    sys.stdin.read()
    ray.shutdown()


if __name__ == "__main__":
    main()
