"""The two processes, ``oms api`` and ``oms worker``: started, watched, stopped.

Under a supervisor (``oms up``) the environment names a file descriptor to which the process writes
a byte while its event loop lives; when the supervisor is gone the process goes too.
"""

import argparse
import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from oms.cli.output import Failed
from oms.cli.settings import settings_of
from oms.config import Settings
from oms.domain.errors import Unavailable

if TYPE_CHECKING:
    pass

HEARTBEAT_VARIABLE = "OMS_HEARTBEAT_FD"
HEARTBEAT_SECONDS = 0.5
STOP_SECONDS = 3
#: Allocations between two rounds of the garbage collector; what lives for ever is frozen.
GC_THRESHOLDS = (50_000, 50, 50)


def api(parsed: argparse.Namespace) -> None:
    """Serve until told to stop."""
    settings = settings_of(parsed)
    _run(settings, lambda: _serve(settings))


def worker(parsed: argparse.Namespace) -> None:
    """Work until told to stop."""
    settings = settings_of(parsed)
    try:
        only = tuple(int(part) for part in parsed.accounts.split(",") if part.strip())
    except ValueError:
        raise Failed("--accounts is a list of account ids, as 1,2,3", status=2) from None
    _run(settings, lambda: _work(settings, parsed.name, only))


async def _serve(settings: Settings) -> None:
    import uvicorn

    from oms import bootstrap

    app = await bootstrap.api(settings)
    _settle_memory()
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            ws_ping_interval=settings.events.ping_seconds,
            ws_ping_timeout=settings.events.pong_seconds,
            ws_max_size=1024 * 1024,
            timeout_graceful_shutdown=STOP_SECONDS,
            timeout_keep_alive=65,
        )
    )
    beating = asyncio.create_task(_beat_for_ever())
    try:
        await server.serve()
    except SystemExit:
        raise Failed(_taken(settings), status=6) from None
    finally:
        beating.cancel()
    if not server.started:
        raise Failed(_taken(settings), status=6)


async def _work(settings: Settings, name: str, only: tuple[int, ...]) -> None:
    from oms import bootstrap

    worker = await bootstrap.worker(settings, name=name, only=only)
    _settle_memory()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    beating = asyncio.create_task(_beat_for_ever())
    try:
        await worker.run(stop, lambda: None)
    finally:
        beating.cancel()


def _run(settings: Settings, main: Callable[[], Awaitable[None]]) -> None:
    """Run ``main`` on the fastest event loop at hand."""
    from oms import logs

    logs.setup(settings.log_level)

    async def entered() -> None:
        await main()

    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(entered())
    except Unavailable as lost:
        raise Failed(lost.message, status=6) from None


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def _settle_memory() -> None:
    """What was loaded by now lives for ever: the collector need not look at it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


async def _beat_for_ever() -> None:
    """Tell the supervisor that the event loop lives; end with the supervisor."""
    descriptor = os.environ.get(HEARTBEAT_VARIABLE)
    if descriptor is None:
        return
    while True:
        try:
            os.write(int(descriptor), b".")
        except BrokenPipeError:
            os.kill(os.getpid(), signal.SIGTERM)
            return
        except BlockingIOError:
            print("oms: the supervisor does not read", file=sys.stderr)
        await asyncio.sleep(HEARTBEAT_SECONDS)


def _taken(settings: Settings) -> str:
    return f"{settings.host}:{settings.port} is taken; choose another port with OMS_PORT"
