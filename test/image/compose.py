"""Reads a compose file as an engine does: variables replaced, anchors resolved, in start order."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

Service = dict[str, Any]
_VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


def read_services(path: Path, variables: Mapping[str, str]) -> dict[str, Service]:
    """The services by name. Raises ValueError for a variable that must be set and is not."""
    loaded: dict[str, Any] = yaml.safe_load(path.read_text())
    services: dict[str, Service] = _replaced(loaded["services"], variables)
    return services


def start_order(services: Mapping[str, Service]) -> Iterator[str]:
    """The services without a profile, each after those that it depends on."""
    done: list[str] = []

    def visit(name: str) -> None:
        for other in services[name].get("depends_on", {}):
            visit(other)
        if name not in done:
            done.append(name)

    for name, service in services.items():
        if not service.get("profiles"):
            visit(name)
    yield from done


def _replaced(value: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _replaced(each, variables) for name, each in value.items()}
    if isinstance(value, list):
        return [_replaced(each, variables) for each in value]
    if isinstance(value, str):
        return _VARIABLE.sub(lambda match: _variable(match, variables), value)
    return value


def _variable(match: re.Match[str], variables: Mapping[str, str]) -> str:
    name, kind, text = match.groups()
    value = variables.get(name, "")
    if value or kind is None:
        return value
    if kind == "?":
        raise ValueError(f"{name}: {text}")
    return str(text)
