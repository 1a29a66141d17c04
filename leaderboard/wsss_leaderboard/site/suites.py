"""The suite that a record holds as a file that `wsss run` reads."""

import json
from collections.abc import Mapping
from typing import Any


def toml_of(content: Mapping[str, Any]) -> str:
    """JSON content as TOML, a line for each key; what is null is left out."""
    return "".join(
        f"{json.dumps(key)} = {_value(value)}\n"
        for key, value in content.items()
        if value is not None
    )


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        pairs = [f"{json.dumps(k)} = {_value(v)}" for k, v in value.items() if v is not None]
        return f"{{ {', '.join(pairs)} }}" if pairs else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value).replace("\x7f", "\\u007f")
