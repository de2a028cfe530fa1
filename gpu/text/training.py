"""Fine-tuning a small encoder to tell what a text says about a target, and exporting it for the CPU.

The recipe: the pair [CLS] text [SEP] target [SEP], AdamW, linear warm-up over a tenth of the steps and linear decay,
label smoothing, batches of rows of similar length. Everything random comes from one seed.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .labelled import LABELS, LabelledText

Log = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Recipe:
    """`max_tokens` counts text, target and the three marks; the text is cut where the pair is longer."""

    seed: int = 1
    epochs: int = 3
    batch: int = 32
    max_tokens: int = 96
    learning_rate: float = 5e-5
    weight_decay: float = 0.01
    warm_up: float = 0.1
    label_smoothing: float = 0.05
    threads: int = 2


def fine_tune(
    rows: Sequence[LabelledText], *, base: Path, out: Path, recipe: Recipe | None = None, log: Log = print
) -> None:
    """Train on `rows` from the encoder in the folder `base` and save a folder that transformers can load.

    Matrix products run in bfloat16. After each epoch the weights so far are in `out`. With the same seed, threads
    and versions of the libraries the weights come out the same.
    """
    import torch
    from transformers import AutoModelForSequenceClassification

    recipe = recipe or Recipe()
    torch.set_num_threads(recipe.threads)
    torch.manual_seed(recipe.seed)
    shuffler = random.Random(recipe.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = AutoModelForSequenceClassification.from_pretrained(
        base,
        num_labels=len(LABELS),
        id2label=dict(enumerate(LABELS)),
        label2id={label: index for index, label in enumerate(LABELS)},
    ).to(device)
    encoded = _encode(rows, base, recipe.max_tokens)

    steps = recipe.epochs * -(-len(rows) // recipe.batch)
    warm_up = max(1, round(recipe.warm_up * steps))
    optimiser = torch.optim.AdamW(model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / warm_up, (steps - step) / max(1, steps - warm_up))
    )
    loss_of = torch.nn.CrossEntropyLoss(label_smoothing=recipe.label_smoothing)
    model.train()
    started, step = time.monotonic(), 0
    for epoch in range(1, recipe.epochs + 1):
        total = 0.0
        for batch in _batches(encoded, recipe.batch, shuffler):
            inputs, labels = _tensors(batch, pad=model.config.pad_token_id or 0, device=device)
            with torch.autocast(device, dtype=torch.bfloat16):
                logits = model(**inputs).logits
            loss = loss_of(logits.float(), labels)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            optimiser.zero_grad(set_to_none=True)
            total += loss.item() * len(batch)
            step += 1
            if step % 20 == 0:
                log(f"step {step} of {steps}, {time.monotonic() - started:.0f} s")
        log(f"epoch {epoch}: mean loss {total / len(rows):.4f}, {time.monotonic() - started:.0f} s")
        model.save_pretrained(out)
    _copy_tokenizer(base, out, recipe.max_tokens)
    (out / "recipe.json").write_text(json.dumps(asdict(recipe), indent=2) + "\n", encoding="utf-8")


@dataclass(frozen=True, slots=True)
class _Encoded:
    ids: list[int]
    types: list[int]
    label: int


def _encode(rows: Sequence[LabelledText], base: Path, max_tokens: int) -> list[_Encoded]:
    tokenizer = _tokenizer(base, max_tokens)
    encodings = tokenizer.encode_batch([(row.text, row.target) if row.target else row.text for row in rows])
    return [
        _Encoded(each.ids, each.type_ids, LABELS.index(row.label)) for each, row in zip(encodings, rows, strict=True)
    ]


def _tokenizer(folder: Path, max_tokens: int) -> Any:
    """The folder's tokenizer: no padding, and the text cut rather than the target."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens, strategy="longest_first")
    return tokenizer


def _copy_tokenizer(base: Path, out: Path, max_tokens: int) -> None:
    _tokenizer(base, max_tokens).save(str(out / "tokenizer.json"))


def _batches(rows: Sequence[_Encoded], size: int, shuffler: random.Random) -> Iterator[list[_Encoded]]:
    """All rows once, in random batches of similar length: sorted within random blocks of fifty batches."""
    order = list(rows)
    shuffler.shuffle(order)
    block = 50 * size
    for start in range(0, len(order), block):
        part = sorted(order[start : start + block], key=lambda row: len(row.ids))
        batches = [part[at : at + size] for at in range(0, len(part), size)]
        shuffler.shuffle(batches)
        yield from batches


def _tensors(batch: Sequence[_Encoded], *, pad: int, device: str) -> tuple[dict[str, Any], Any]:
    import torch

    longest = max(len(row.ids) for row in batch)
    ids = torch.full((len(batch), longest), pad, dtype=torch.long)
    mask, types = torch.zeros_like(ids), torch.zeros_like(ids)
    for index, row in enumerate(batch):
        ids[index, : len(row.ids)] = torch.tensor(row.ids)
        types[index, : len(row.ids)] = torch.tensor(row.types)
        mask[index, : len(row.ids)] = 1
    inputs = {"input_ids": ids.to(device), "attention_mask": mask.to(device), "token_type_ids": types.to(device)}
    return inputs, torch.tensor([row.label for row in batch]).to(device)
