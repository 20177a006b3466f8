"""Runs many short coroutines on one event loop, for tests that are not coroutines themselves."""

import asyncio
from collections.abc import Coroutine
from contextvars import Context
from typing import Any, TypeVar

Result = TypeVar("Result")


class LoopRunner(asyncio.Runner):
    """A runner that leaves the handler of SIGINT as it is.

    ``asyncio.Runner`` replaces it during each call, which takes longer than most calls of a store.
    """

    def run(self, coro: Coroutine[Any, Any, Result], *, context: Context | None = None) -> Result:
        """Run a coroutine; returns its result."""
        loop = self.get_loop()
        return loop.run_until_complete(loop.create_task(coro, context=context))
