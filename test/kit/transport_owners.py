"""Pytest plugin: transports of asyncio say in which test they were opened.

One that is left open is found by the garbage collector during some later test, which then fails.
The warning has the text of the transport, and so the name of the test to look at.
"""

import asyncio
import os
from asyncio.base_subprocess import BaseSubprocessTransport
from asyncio.selector_events import _SelectorTransport  # type: ignore[attr-defined]
from asyncio.unix_events import (  # type: ignore[attr-defined]
    _UnixReadPipeTransport,
    _UnixWritePipeTransport,
)
from typing import Any


def pytest_configure() -> None:
    for transport in (
        _SelectorTransport,
        _UnixReadPipeTransport,
        _UnixWritePipeTransport,
        BaseSubprocessTransport,
    ):
        _name_tests(transport)


def _name_tests(transport: type[asyncio.BaseTransport]) -> None:
    """Let instances of a class keep the test that made them, and add it to their text."""
    init, text = transport.__init__, transport.__repr__

    def keep_test(self: Any, *arguments: Any, **named: Any) -> None:
        self._opened_in = os.environ.get("PYTEST_CURRENT_TEST", "no test")
        init(self, *arguments, **named)

    def text_with_test(self: Any) -> str:
        return f"<{text(self).strip('<>')}, opened in {self._opened_in}>"

    transport.__init__ = keep_test  # type: ignore[method-assign]
    transport.__repr__ = text_with_test  # type: ignore[method-assign]
