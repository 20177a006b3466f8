"""Supervision of background tasks: a failure is logged and the task started again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

RESTART_SECONDS = 1.0

logger = logging.getLogger(__name__)


async def keep_running(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Await ``run`` for ever; start it again ``RESTART_SECONDS`` after it ends or raises."""
    while True:
        try:
            await run()
            logger.error("background_task_ended", extra={"task": name})
        except Exception:  # the supervisor of background tasks
            logger.exception("background_task_crashed", extra={"task": name})
        await asyncio.sleep(RESTART_SECONDS)
