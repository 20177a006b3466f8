"""The examples of the HTTP pages run as printed and answer with the printed keys."""

import json
import re
from pathlib import Path

import pytest

from kit.gateway.processes import Gateway
from kit.http.http_pages import TITLES, printed_answer, run_blocks, shape_differences


@pytest.mark.parametrize("name", TITLES)
def test_the_examples_answer_as_printed(name: str, tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    try:
        gateway.start()
        results = run_blocks(name, gateway.folder, gateway.environment)
    finally:
        gateway.stop()
    compared = 0
    for example, response in results:
        printed = printed_answer(name, example)
        is_refused = printed is not None and _REFUSED in printed[1]
        assert (_REFUSED in response) is is_refused, f"refused, or printed so: {response}"
        if printed is not None:
            compared += 1
            assert _mismatch(*printed, response) == [], (
                f"{response}\nrun tools/generate_http_reference.py --record {name}"
            )
    assert compared >= 3


_REFUSED = '"ccxt_class"'


def _mismatch(language: str, printed: str, response: str) -> list[str]:
    if language == "json":
        return shape_differences(json.loads(printed), json.loads(response.splitlines()[-1]))
    names = [set(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE)) for text in (printed, response)]
    return sorted(names[0] ^ names[1])
