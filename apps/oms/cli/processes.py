"""The two processes, ``oms api`` and ``oms worker``: started, watched, stopped.

Under a supervisor (``oms up``) the environment names its pid, the pipe to which the process writes
a byte while its event loop lives, and for the API the socket that is already listened on. When the
supervisor is gone the process goes too, even where it cannot run any more: the kernel sees to it.
"""

import argparse
import asyncio
import ctypes
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable

from oms.cli.output import CommandFailed
from oms.cli.settings import command_settings
from oms.config import Settings
from oms.domain.errors import Unavailable

logger = logging.getLogger(__name__)

HEARTBEAT_VARIABLE = "OMS_HEARTBEAT_FD"
LISTEN_VARIABLE = "OMS_LISTEN_FD"
SUPERVISOR_VARIABLE = "OMS_SUPERVISOR_PID"
HEARTBEAT_SECONDS = 0.5
STOP_SECONDS = 2
LISTEN_BACKLOG = 2048
#: Allocations between two rounds of the garbage collector; what lives for ever is frozen.
GC_THRESHOLDS = (50_000, 50, 50)
#: prctl(2): the signal to get when the parent dies.
_PR_SET_PDEATHSIG = 1


def api(parsed: argparse.Namespace) -> None:
    """Serve until told to stop."""
    settings = command_settings(parsed)
    listener = _inherited() or open_listener(settings.host, settings.port)
    _run(settings, lambda: _serve(settings, listener))


def worker(parsed: argparse.Namespace) -> None:
    """Work until told to stop."""
    settings = command_settings(parsed)
    try:
        only = tuple(int(part) for part in parsed.accounts.split(",") if part.strip())
    except ValueError:
        raise CommandFailed("--accounts is a list of account ids, as 1,2,3", status=2) from None
    _run(settings, lambda: _work(settings, parsed.name, only))


def open_listener(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises ``Failed`` with one line that names ``OMS_PORT``."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen(LISTEN_BACKLOG)
        except OSError:
            listener.close()
            raise
    except OSError as problem:
        message = f"cannot listen on {host}:{port}: {problem.strerror}"
        raise CommandFailed(
            f"{message}; choose another with OMS_PORT (or OMS_HOST)", status=2
        ) from None
    return listener


async def _serve(settings: Settings, listener: socket.socket) -> None:
    import uvicorn

    from oms import bootstrap
    from oms.api.http_protocol import uvicorn_http_options
    from oms.api.websocket.websocket_protocol import uvicorn_websocket_options

    app = await bootstrap.build_api(settings)
    _settle_memory()
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            proxy_headers=False,  # whom we believe about addresses is our own setting
            backlog=LISTEN_BACKLOG,
            **uvicorn_http_options(),
            **uvicorn_websocket_options(settings.events),
            timeout_graceful_shutdown=STOP_SECONDS,
            timeout_keep_alive=65,
        )
    )
    beating = asyncio.create_task(_beat_for_ever())
    logger.info("api_started host=%s port=%d", *listener.getsockname()[:2])
    try:
        await server.serve(sockets=[listener])
    finally:
        beating.cancel()
        logger.info("api_stopped")


async def _work(settings: Settings, name: str, only: tuple[int, ...]) -> None:
    from oms import bootstrap

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    worker = await bootstrap.build_worker(settings, name=name, only=only)
    _settle_memory()
    beating = asyncio.create_task(_beat_for_ever())
    logger.info("worker_started name=%s", worker.name)
    try:
        await worker.run(stop)
    finally:
        beating.cancel()
        logger.info("worker_stopped name=%s", worker.name)


def _run(settings: Settings, main: Callable[[], Awaitable[None]]) -> None:
    """Run ``main`` on the fastest event loop at hand."""
    from oms import logs

    logs.setup(settings.log_level)
    _die_with_the_supervisor()

    async def entered() -> None:
        await main()

    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(entered())
    except Unavailable as lost:
        raise CommandFailed(lost.message, status=6) from None


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


def _inherited() -> socket.socket | None:
    descriptor = os.environ.get(LISTEN_VARIABLE)
    return None if descriptor is None else socket.socket(fileno=int(descriptor))


def _die_with_the_supervisor() -> None:
    """Have the kernel kill this process with its parent, also while it is stopped or hangs."""
    supervisor = os.environ.get(SUPERVISOR_VARIABLE)
    if supervisor is None:
        return
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != int(supervisor):
        raise CommandFailed("the supervisor is gone")


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
            logger.warning("supervisor_silent")
        await asyncio.sleep(HEARTBEAT_SECONDS)
