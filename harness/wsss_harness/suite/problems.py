"""What is wrong with a suite, in words: the first problem that pydantic has found."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from wsss_harness.suite.source_spec import Source
from wsss_harness.suite.spec import Product, Row, RuleSpec, Suite, TextsSpec, Weights
from wsss_harness.system.similar import did_you_mean

MODELS: Mapping[Any, type[BaseModel]] = {
    "rows": Row,
    "product": Product,
    "weights": Weights,
    "sources": Source,
    "saliency": Source,
    "regions": Source,
    "texts": TextsSpec,
    "rule": RuleSpec,
}
EXPECTED = {  # by the problem's type: words with what the problem says
    "tuple_type": "a list, such as [{input}]",
    "too_short": "a list with at least {min_length}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "string_type": "text, in quotes",
    "bool_type": "true or false",
    "literal_error": "{expected}",
    "dict_type": "a table",
    "model_type": "a table",
}


def first_problem(error: ValidationError, content: Mapping[str, Any]) -> str:
    """The first problem of a suite with this ``content``: the key, and what was expected."""
    problem = error.errors()[0]
    place, kind = problem["loc"], problem["type"]
    key = ".".join(map(str, place))
    if kind == "extra_forbidden":
        return f"unknown key '{key}'{did_you_mean(str(place[-1]), _model_at(place).model_fields)}"
    if kind == "missing":
        return _missing(place, content)
    if kind in EXPECTED:
        words = EXPECTED[kind].format(input=json.dumps(problem["input"]), **problem.get("ctx", {}))
        return f"'{key}' is {problem['input']!r}; expected {words}"
    return f"'{key}': {problem['msg'].removeprefix('Value error, ')} (found {problem['input']!r})"


def _missing(place: Sequence[Any], content: Mapping[str, Any]) -> str:
    """What to say of a missing key; a table without a name may be another one, misspelt."""
    key = ".".join(map(str, place))
    if place[-1] != "name" or len(place) != 3:
        return f"'{key}' is missing"
    table, label, _ = place
    others = [other for other in content[table] if other != label]
    return f"'{table}.{label}' is not defined, as it has no name{did_you_mean(label, others)}"


def _model_at(place: Iterable[Any]) -> type[BaseModel]:
    """The model of the table that holds the key at ``place``."""
    *parents, _ = place
    named = [MODELS[part] for part in parents if part in MODELS]
    return named[-1] if named else Suite
