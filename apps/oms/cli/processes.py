"""The processes ``oms api``, ``oms worker`` and ``oms runner``.

Under a supervisor (``oms up``) the environment has its pid, the pipe for heartbeats, and for the
API the listening socket. The kernel kills the process when the supervisor dies, even if the process
hangs.
"""

import argparse
import asyncio
import contextlib
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
SILENT_SECONDS = 1
"""Seconds after which the kernel hands over a connection on which nothing has arrived; rounded to
its SYN-ACK retransmissions."""
#: The first is the number of objects of one garbage collection, during which the loop waits.
GC_THRESHOLDS = (10_000, 50, 50)
#: prctl(2): the signal sent when the parent dies.
_PR_SET_PDEATHSIG = 1


def api(parsed: argparse.Namespace) -> None:
    """Serve HTTP and WebSocket until a signal."""
    settings = command_settings(parsed)
    require_master_key(settings)
    listener = _inherited_listener() or open_listener(settings.host, settings.port)
    _run(settings, lambda: _serve(settings, listener))


def worker(parsed: argparse.Namespace) -> None:
    """Execute commands until a signal."""
    settings = command_settings(parsed)
    require_master_key(settings)
    try:
        only = tuple(int(part) for part in parsed.accounts.split(",") if part.strip())
    except ValueError:
        raise CommandFailed("--accounts is a list of account ids, as 1,2,3", status=2) from None
    _run(settings, lambda: _work(settings, parsed.name, only))


def runner(parsed: argparse.Namespace) -> None:
    """Run background tasks until a signal."""
    # Its tasks need no credentials of exchanges.
    settings = command_settings(parsed).model_copy(update={"master_key": None})
    _run(settings, lambda: _run_tasks(settings, parsed.name))


def require_master_key(settings: Settings) -> None:
    """Raise ``CommandFailed`` in the profile live without a master key: none is made there."""
    from oms import bootstrap
    from oms.ports.vault import NoMasterKey

    if settings.profile != "live":
        return
    try:
        if bootstrap.has_master_key(settings):
            return
    except NoMasterKey as error:
        raise CommandFailed(error.message, status=2) from None
    message = (
        f"the profile live starts with a master key only: OMS_MASTER_KEY, or {settings.key_file}"
        " as oms generate-master-key --into-file makes it"
    )
    raise CommandFailed(message, status=2)


def open_listener(host: str, port: int) -> socket.socket:
    """Return a listening socket. Raises ``CommandFailed`` with a message naming ``OMS_PORT``."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_DEFER_ACCEPT"):
            # A client whose request follows a moment later must not be closed as the oldest of
            # many silent connections: it is accepted with its first bytes. Some kernels refuse it.
            with contextlib.suppress(OSError):
                listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, SILENT_SECONDS)
        try:
            listener.bind(address)
            listener.listen(LISTEN_BACKLOG)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        message = f"cannot listen on {host}:{port}: {error.strerror}"
        raise CommandFailed(
            f"{message}; choose another with OMS_PORT (or OMS_HOST)", status=2
        ) from None
    return listener


async def _serve(settings: Settings, listener: socket.socket) -> None:
    import uvicorn

    from oms import bootstrap
    from oms.api.connection_limits import ConnectionLimits
    from oms.api.http_protocol import uvicorn_http_options
    from oms.api.websocket.websocket_protocol import uvicorn_websocket_options

    app = await bootstrap.build_api(settings)
    limits = ConnectionLimits(
        settings=settings.connections,
        metrics=app.state.api_context.request_metrics,
        trusted_proxies=settings.trusted_proxies,
    )
    _freeze_memory()
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            backlog=LISTEN_BACKLOG,
            **uvicorn_http_options(limits),
            **uvicorn_websocket_options(settings.events),
            timeout_graceful_shutdown=STOP_SECONDS,
        )
    )
    heartbeat = asyncio.create_task(_send_heartbeats())
    logger.info("api_started host=%s port=%d", *listener.getsockname()[:2])
    try:
        await server.serve(sockets=[listener])
    finally:
        heartbeat.cancel()
        logger.info("api_stopped")


async def _work(settings: Settings, name: str, only: tuple[int, ...]) -> None:
    from oms import bootstrap

    stop = _stop_at_signals()
    worker = await bootstrap.build_worker(settings, name=name, only=only)
    _freeze_memory()
    heartbeat = asyncio.create_task(_send_heartbeats())
    logger.info("worker_started name=%s", worker.name)
    try:
        await worker.run(stop)
    finally:
        heartbeat.cancel()
        logger.info("worker_stopped name=%s", worker.name)


async def _run_tasks(settings: Settings, name: str) -> None:
    from oms import bootstrap

    stop = _stop_at_signals()
    runner = await bootstrap.build_runner(settings, name=name)
    _freeze_memory()
    heartbeat = asyncio.create_task(_send_heartbeats())
    logger.info("runner_started name=%s", runner.name)
    try:
        await runner.run(stop)
    finally:
        heartbeat.cancel()
        logger.info("runner_stopped name=%s", runner.name)


def _stop_at_signals() -> asyncio.Event:
    """Return an event that SIGINT and SIGTERM set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop


def _run(settings: Settings, main: Callable[[], Awaitable[None]]) -> None:
    """Run ``main`` on uvloop, or on asyncio's loop if uvloop is not installed."""
    from oms import logs

    logs.setup(settings.log_level, settings.log_format)
    _die_with_supervisor()

    async def run() -> None:
        await main()

    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(run())
    except Unavailable as error:
        raise CommandFailed(error.message, status=6) from None


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def _freeze_memory() -> None:
    """Exclude all current objects from garbage collection, and keep collections short.

    They are not collected before: modules leave some hundred objects of garbage, and the search
    for it takes a tenth of the start.
    """
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


def _inherited_listener() -> socket.socket | None:
    descriptor = os.environ.get(LISTEN_VARIABLE)
    return None if descriptor is None else socket.socket(fileno=int(descriptor))


def _die_with_supervisor() -> None:
    """Have the kernel kill this process when its parent dies, even if it hangs."""
    supervisor = os.environ.get(SUPERVISOR_VARIABLE)
    if supervisor is None:
        return
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != int(supervisor):
        raise CommandFailed("the supervisor has exited")


async def _send_heartbeats() -> None:
    """Write heartbeats to the supervisor's pipe; terminate the process if it is closed."""
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
            logger.warning("supervisor_not_reading")
        await asyncio.sleep(HEARTBEAT_SECONDS)
