"""What differs between the settings of a run that is resumed and those it began with."""

from __future__ import annotations

import json
from collections.abc import Mapping


def differences(then: object, now: object, name: str = "") -> list[str]:
    """What differs between two descriptions, one entry a value: `dim was 100, is 50`."""
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        found = []
        for key in dict.fromkeys((*then, *now)):
            found += differences(then.get(key), now.get(key), f"{name}{' ' if name else ''}{key}")
        return found
    return [] if then == now else [f"{name} was {_shown(then)}, is {_shown(now)}"]


def _shown(value: object) -> str:
    return f"{value[:12]}…" if isinstance(value, str) and len(value) > 20 else json.dumps(value)
