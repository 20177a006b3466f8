"""Random changes of JSON values and of their text: wrong types, extreme numbers, broken syntax."""

import json
import random
from collections.abc import Callable
from typing import Any

DEPTH = 3000
LONG = "x" * 20_000
REPEATED_CHARACTERS_MAX = 5000
BYTES_MAX = 16 * 1024 * 1024
"""Above the limit of every route, below the bytes after which the connection is closed."""
SCALARS: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**53, 2**53 + 1, 2**63, 2**64, -(2**63), 10**30),
    *(0.1, -0.0, 1e308, 5e-324, 1e18, 123456789.123456789),
    *("", " ", "0", "-0", "1e400", "1e-400", "NaN", "Infinity", "1_000", "0x10", "٣", "１", "1,5"),
    *("null", "true", "\x00", "a\x00b", "\r\nX-Injected: 1", "\u202e\u200b\ufeff", "💥" * 100),
    *("' OR '1'='1", "1; DROP TABLE users", "../../../etc/passwd", "%s%s%n", "{{7*7}}", "<b>"),
    *("9999-12-31T23:59:59.999999Z", "0000-00-00", "2026-02-30", "é" * 300, LONG),
    *([], {}, [[]], [None], {"": None}, {"__proto__": {}}, {"$ref": "#"}),
)
#: Written into the text, as they are no values of Python's encoder.
TEXTS = (
    *("1" + "0" * 400, "-" + "9" * 5000, "1e999999999", "1E-999999999", "NaN", "-Infinity"),
    *(
        '"\\ud800"',
        '"\\udfff\\ud800"',
        "[" * DEPTH + "]" * DEPTH,
        '{"a":' * DEPTH + "1" + "}" * DEPTH,
    ),
    *("01", "+1", ".5", "1.", "'x'", "undefined", "/**/1", "1 2", '{"a":1,"a":2}', "\ufeff1"),
)
NAMES = ("", "extra", "id", "account_id", "strategy_id", "\x00", LONG)
_PLACE = "@@place@@"


class JsonMutator:
    """Changes requests by random choices."""

    def __init__(self, chosen: random.Random) -> None:
        self._chosen = chosen

    def mutated_text(self, value: Any) -> bytes:
        """Return the JSON text of ``value`` after one to three changes of value or text."""
        chosen = self._chosen
        for _ in range(chosen.randint(1, 3)):
            # A copy: no part is in it twice, or belongs to the constants.
            value = self._mutated(json.loads(json.dumps(value)))
        text = json.dumps(value, ensure_ascii=chosen.random() < 0.5)
        if chosen.random() < 0.25:
            replaced = self._replaced(json.loads(json.dumps(value)), _PLACE)
            text = json.dumps(replaced).replace(f'"{_PLACE}"', chosen.choice(TEXTS))
        data = text.encode("utf-8", "surrogatepass")
        return (self._damaged(data) if chosen.random() < 0.15 else data)[:BYTES_MAX]

    def _mutated(self, value: Any) -> Any:
        actions: tuple[Callable[[Any], Any], ...] = (
            lambda v: self._replaced(v, self._chosen.choice(SCALARS)),
            lambda v: self._replaced(v, self._chosen.choice(SCALARS)),
            self._without_a_key,
            self._with_another_key,
            self._repeated,
            lambda v: self._replaced(v, v),
        )
        return self._chosen.choice(actions)(value)

    def _repeated(self, value: Any) -> Any:
        """Return a list of the value, of up to 1001 if its text is short."""
        is_short = len(json.dumps(value)) < REPEATED_CHARACTERS_MAX
        return [value] * self._chosen.choice((1, 2, 1001 if is_short else 3))

    def _replaced(self, value: Any, new: Any) -> Any:
        """Return the value with one random part replaced."""
        chosen = self._chosen
        if isinstance(value, dict) and value and chosen.random() < 0.9:
            key = chosen.choice(sorted(value))
            return value | {key: self._replaced(value[key], new)}
        if isinstance(value, list) and value and chosen.random() < 0.9:
            index = chosen.randrange(len(value))
            return [*value[:index], self._replaced(value[index], new), *value[index + 1 :]]
        return new

    def _without_a_key(self, value: Any) -> Any:
        part = self._random_object(value)
        if part:
            del part[self._chosen.choice(sorted(part))]
        return value

    def _with_another_key(self, value: Any) -> Any:
        part = self._random_object(value)
        if part is not None:
            name = self._chosen.choice(
                ("", "extra", "id", "account_id", "strategy_id", "\x00", LONG)
            )
            part[name] = self._chosen.choice(SCALARS)
        return value

    def _random_object(self, value: Any) -> dict[str, Any] | None:
        objects: list[dict[str, Any]] = []
        pending = [value]
        while pending:
            part = pending.pop()
            if isinstance(part, dict):
                objects.append(part)
                pending.extend(part.values())
            elif isinstance(part, list):
                pending.extend(part[:10])
        return self._chosen.choice(objects) if objects else None

    def _damaged(self, data: bytes) -> bytes:
        """Return the text cut, with a byte changed, or with bytes that are not UTF-8."""
        chosen = self._chosen
        position = chosen.randrange(len(data) + 1)
        return chosen.choice(
            (
                data[:position],
                data[:position] + bytes([chosen.randrange(256)]) + data[position + 1 :],
                data[:position] + b"\xff\xfe\xed\xa0\x80" + data[position:],
                data + data,
                b"\xef\xbb\xbf" + data,
            )
        )
