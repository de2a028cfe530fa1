"""The rules of an exchange from a file, for whoever runs it alone."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ..errors import ConfigurationError
from .settings import ExchangeSettings

_SETTINGS: TypeAdapter[ExchangeSettings] = TypeAdapter(ExchangeSettings)
_NAMES = tuple(field.name for field in fields(ExchangeSettings) if field.name != "faults")
"""Faults have a file of their own."""


def load_exchange_settings(path: Path) -> ExchangeSettings:
    """Read a JSON object whose keys are fields of ExchangeSettings; what it leaves out keeps its default.

    Raises ConfigurationError that names the field.
    """
    try:
        values: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"the settings cannot be read: {path}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigurationError(f"{path} is not JSON: {error}") from error
    if not isinstance(values, dict):
        raise ConfigurationError(f'{path} must hold a JSON object, such as {{"signer_limits": "enforce"}}')
    for name in values:
        if name not in _NAMES:
            raise ConfigurationError(f"{path}: there is no setting {name!r}; there are {', '.join(_NAMES)}")
    try:
        return _SETTINGS.validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"{path}: {place}: {first['msg']}") from error
