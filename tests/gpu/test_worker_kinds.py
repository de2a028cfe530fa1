"""The table of workers says what their modules have."""

from __future__ import annotations

import importlib

import pytest

from polydesk.gpu.worker_kinds import KINDS, WorkerKind


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_kind_names_exactly_the_tasks_of_its_module(kind: WorkerKind) -> None:
    module = importlib.import_module(kind.module)
    assert kind.tasks == set(module.TASKS)
    assert kind.batched == set(getattr(module, "BATCHED", ()))


def test_every_task_belongs_to_one_kind() -> None:
    names = [task for kind in KINDS for task in kind.tasks]
    assert len(names) == len(set(names))
