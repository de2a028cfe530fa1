"""Finding a model's files, and checking that they are the ones its card promises.

A model is named by a folder, or by a hub repository with the commit it is pinned to (`owner/name@commit`). Nothing is
downloaded here: what the hub has is taken from this machine's cache, where `fetch` put it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..devices import has_torch

SHIPPED_SENTIMENT = Path(__file__).parent / "weights" / "sentiment"
CARD = "card.json"

_HUB_NAME = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)@(?P<revision>[0-9a-f]{40})")
_UNPINNED = re.compile(r"[\w.-]+/[\w.-]+(@.*)?")
_ONNX_FILES = (
    "model.onnx",
    "model_int8.onnx",
    "onnx/model_int8.onnx",
    "onnx/model_quantized.onnx",
    "onnx/model_quint8_avx2.onnx",
    "onnx/model.onnx",
)
"""Where exported models lie, the quantised ones of the usual hub layouts before the full one."""

_HUB_FILES = ("*.json", "*.txt", "*.model", "onnx/model_int8.onnx", "onnx/model_quint8_avx2.onnx")
_FOR_TORCH = ("*.safetensors",)
_DEFAULT_MAX_TOKENS = 128
_BLOCK = 1 << 20


class ModelUnavailable(Exception):
    """A model cannot be used here. The text says why, and what would help."""


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model on this disk. `labels` are its outputs in order, in lower case.

    `card` is what stands in card.json, empty without one. `measured` in it holds what evaluations found.
    """

    name: str
    folder: Path
    labels: tuple[str, ...]
    max_tokens: int
    onnx: Path | None
    safetensors: Path | None
    card: Mapping[str, Any]

    def verified(self, file: Path) -> str:
        """The file's sha256. Raises ModelUnavailable where the card promises another, or a file is gone."""
        name = file.relative_to(self.folder).as_posix()
        try:
            found = sha256(file)
        except OSError as error:
            raise ModelUnavailable(f"{file} cannot be read: {error.strerror}") from error
        promised = self.card.get("files", {}).get(name, found)
        if found != promised:
            raise ModelUnavailable(
                f"{file} was not loaded: its sha256 is {found[:16]}... and its card says {promised[:16]}...; "
                "restore the file or train it anew"
            )
        return found


def find(model: str) -> ModelFiles:
    """The files of a folder or of a pinned hub repository that was fetched. Raises ModelUnavailable."""
    folder = Path(model).expanduser()
    if folder.is_dir():
        return read_folder(folder, name=folder.resolve().name)
    if (hub := _HUB_NAME.fullmatch(model)) is not None:
        return read_folder(_cached(hub["repository"], hub["revision"]), name=model)
    if _UNPINNED.fullmatch(model):
        raise ModelUnavailable(f"{model} is no folder, and as a hub model it must be pinned: owner/name@commit")
    raise ModelUnavailable(f"there is no folder {model}")


def read_folder(folder: Path, *, name: str) -> ModelFiles:
    """What a folder holds, from its card.json or else from the config.json that transformers writes."""
    card, config = _read_json(folder / CARD), _read_json(folder / "config.json")
    labels = card.get("labels") or _labels_of(config)
    if not labels:
        raise ModelUnavailable(f"{folder} names no labels: neither {CARD} nor config.json (id2label) does")
    if not (folder / "tokenizer.json").is_file():
        raise ModelUnavailable(f"{folder} has no tokenizer.json")
    onnx = next((folder / file for file in _ONNX_FILES if (folder / file).is_file()), None)
    safetensors = folder / "model.safetensors"
    return ModelFiles(
        name=str(card.get("name", name)),
        folder=folder,
        labels=tuple(label.lower() for label in labels),
        max_tokens=int(card.get("max_tokens", _DEFAULT_MAX_TOKENS)),
        onnx=onnx,
        safetensors=safetensors if safetensors.is_file() else None,
        card=card,
    )


def fetch(model: str) -> Path:
    """Bring a pinned hub model to this machine and answer its folder; the large safetensors only where torch is.

    Raises ModelUnavailable.
    """
    if (hub := _HUB_NAME.fullmatch(model)) is None:
        raise ModelUnavailable(f"{model} is not a pinned hub model: owner/name@commit")
    return _cached(hub["repository"], hub["revision"], download=True)


def record_stance(model: str, *, direction: float, pairs: int, on: str) -> None:
    """Write into a model's card how often its direction was right. Raises ModelUnavailable, and OSError."""
    files = find(model)
    measured = {**files.card.get("measured", {}), "stance": {"direction": direction, "pairs": pairs, "on": on}}
    card = json.dumps({**files.card, "measured": measured}, indent=2, ensure_ascii=False)
    (files.folder / CARD).write_text(card + "\n", encoding="utf-8")


def sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while block := opened.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _cached(repository: str, revision: str, *, download: bool = False) -> Path:
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise ModelUnavailable(f"{repository} needs the extra hub: pip install 'polydesk[hub]'") from error
    try:
        return Path(
            snapshot_download(
                repository,
                revision=revision,
                allow_patterns=[*_HUB_FILES, *(_FOR_TORCH if has_torch() else ())],
                local_files_only=not download,
            )
        )
    except Exception as error:  # the library raises what its transport does
        if download:
            raise ModelUnavailable(f"{repository} could not be fetched: {error}") from error
        raise ModelUnavailable(
            f"{repository} is not on this machine; `polydesk fetch-model {repository}@{revision}` brings it"
        ) from error


def _labels_of(config: Mapping[str, Any]) -> list[str]:
    by_index = config.get("id2label") or {}
    return [str(by_index[key]) for key in sorted(by_index, key=int)]


def _read_json(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    try:
        read = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelUnavailable(f"{file} cannot be read: {error}") from error
    if not isinstance(read, dict):
        raise ModelUnavailable(f"{file} holds no JSON object")
    return read
