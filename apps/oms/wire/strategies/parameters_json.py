"""Parameters of strategies as canonical JSON: equal parameters have equal text and equal hashes."""

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal

from oms.domain.money import decimal_text


def parameters_json(parameters: Mapping[str, int | Decimal]) -> dict[str, int | str]:
    """Return parameters of a strategy: whole numbers, decimals as text."""
    return {
        name: number if isinstance(number, int) else decimal_text(number)
        for name, number in parameters.items()
    }


def canonical_json(parameters: Mapping[str, int | Decimal]) -> str:
    """Return the JSON of parameters with sorted names and without spaces."""
    return json.dumps(parameters_json(parameters), sort_keys=True, separators=(",", ":"))


def hash_parameters(parameters: Mapping[str, int | Decimal]) -> str:
    """Return the SHA-256 of the canonical JSON of parameters."""
    return hashlib.sha256(canonical_json(parameters).encode()).hexdigest()
