"""Settings from environment variables: setting ``a.b`` is ``OMS_A_B``."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

_SWITCH = "enabled"


def merge_environment(
    settings: type[BaseModel], values: dict[str, Any], environment: Mapping[str, str]
) -> None:
    """Put the values of the environment into those of the config file.

    A section with the setting ``enabled`` may be one switch: ``OMS_RUNNER=off``, or false in the
    file. What is of the wrong form is left for validation, which names it.
    """
    for name, field in settings.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            values[name] = _merge_section(section, name, values.get(name), environment)
        elif (text := environment.get(f"OMS_{name}".upper())) is not None:
            is_list = str(field.annotation).startswith("tuple")
            values[name] = [part for part in text.split(",") if part] if is_list else text


def _merge_section(
    section: type[BaseModel], name: str, found: object, environment: Mapping[str, str]
) -> object:
    variables = {key: f"OMS_{name}_{key}".upper() for key in section.model_fields}
    texts = {key: environment.get(variable) for key, variable in variables.items()}
    if _SWITCH in variables:
        texts[_SWITCH] = texts[_SWITCH] or environment.get(f"OMS_{name}".upper())
        found = {_SWITCH: found} if isinstance(found, bool) else found
    if not isinstance(found, dict | None):
        return found
    return {**(found or {}), **{key: text for key, text in texts.items() if text is not None}}
