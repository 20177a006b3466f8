"""Processes of strategies as the runner uses them."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import orjson

from oms.adapters.processor_priority import ProcessorPriority
from oms.adapters.strategy_code.frames import (
    CONTINUES,
    FRAME_BYTES_MAX,
    LENGTH_BYTES,
    Message,
    decode_frame,
    encode_frame,
    frame_length,
)
from oms.adapters.strategy_code.process_limits import child_environment
from oms.domain.errors import Conflict, Invalid, NotFound
from oms.domain.market.candle import Candle
from oms.domain.market.timeframe import Timeframe
from oms.domain.value import value
from oms.ports.research.strategy_process import (
    OnPart,
    StartedStrategy,
    StrategyFailed,
    StrategyStart,
    ignore_part,
)
from oms.strategies.description import LoadedCatalog
from oms.strategies.strategy import Bars, Decision, PositionSide
from oms.wire.strategies.messages import (
    decode_catalog,
    decode_decision,
    decode_parameters,
    decode_warmup,
    encode_bars,
    encode_candle,
    encode_parameters,
)

logger = logging.getLogger(__name__)

_MODULE = "oms.adapters.strategy_code.child"
_REFUSALS = {each.code: each for each in (Invalid, NotFound, Conflict)}
#: Time of an answer besides that of the decisions, as for the start of the process.
ANSWER_SECONDS = 30.0
#: Processor time of a decision, and of one call, after which everything else comes first.
DECISION_CPU_SECONDS = 0.15
CALL_CPU_SECONDS_MAX = 2.0
_LOG_BYTES = 8192
_END_SECONDS = 1.0
#: Time in which a killed process and its pipes end.
CLOSE_SECONDS_MAX = 5.0
_SIGVTALRM = int(signal.SIGVTALRM)


@value
class ProcessOptions:
    """Limits of each process; ``path`` is the file or folder of strategies of users."""

    path: Path | None
    decision_seconds: float = 5.0
    memory_mb: int = 2048
    #: Added to the ``nice`` value of the runner: 0 to 19.
    priority: int = 0


class ChildProcesses:
    """``ports.research.strategy_process.StrategyProcesses``."""

    def __init__(self, options: ProcessOptions) -> None:
        self._options = options

    async def open(self) -> "ChildProcess":
        """Start a process. Raises ``StrategyFailed``."""
        options = self._options
        path = None if options.path is None else str(options.path.absolute())
        arguments = orjson.dumps(
            {
                "path": path,
                "decision_seconds": options.decision_seconds,
                "memory_mb": options.memory_mb,
                "priority": options.priority,
            }
        )
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", _MODULE, arguments.decode()),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=child_environment(os.environ),
            cwd="/",
        )
        return ChildProcess(process, options.decision_seconds)


class ChildProcess:
    """``ports.research.strategy_process.StrategyProcess``."""

    def __init__(self, process: asyncio.subprocess.Process, decision_seconds: float) -> None:
        self._process = process
        self._decision_seconds = decision_seconds
        self._priority = ProcessorPriority(process.pid)
        self._log = b""
        #: Candles that it keeps.
        self._kept = 0
        self._reads_log = asyncio.create_task(self._read_log())

    @property
    def process_id(self) -> int:
        """The id of the process."""
        return self._process.pid

    async def load_catalog(self) -> LoadedCatalog:
        """Return all strategies."""
        return decode_catalog(await self.call({"operation": "catalog"}, 20))

    async def start(self, request: StrategyStart) -> StartedStrategy:
        """Build a strategy. Raises ``NotFound``, ``Invalid``."""
        message = {
            "operation": "start",
            "name": request.name,
            "timeframe": request.timeframe.value,
            "parameters": encode_parameters(request.parameters),
        }
        result = await self.call(message, 20)
        return StartedStrategy(
            name=result["name"],
            version=result["version"],
            code_hash=result["code_hash"],
            parameters=decode_parameters(result["parameters"]),
            warmup=decode_warmup(result["warmup"]),
            higher=[Timeframe(each) for each in result["higher"]],
            checked_candles=result["checked_candles"],
        )

    async def on_bars(
        self, bars: Sequence[Bars], side: PositionSide
    ) -> Sequence[Sequence[Decision]]:
        """Give closed candles to the strategy; returns its decisions at each of them."""
        rows = [encode_bars(each) for each in bars]
        message = {"operation": "on_bars", "bars": rows, "side": side.value}
        result = await self.call(message, 2 * len(rows))
        return [[decode_decision(each) for each in decided] for decided in result["decisions"]]

    async def calculate(
        self,
        calculation: str,
        settings: Mapping[str, Any],
        candles: AsyncIterator[Sequence[Candle]] | None,
        on_part: OnPart = ignore_part,
    ) -> Mapping[str, Any]:
        """Return the JSON that a calculation makes of all candles, or of those that are kept."""
        await self.call({**settings, "operation": "begin", "calculation": calculation})
        count = 0
        if candles is None:
            count = self._kept
            on_part(await self.call({"operation": "push_kept"}, 2 * count))
        else:
            async for part in candles:
                rows = [encode_candle(each) for each in part]
                on_part(await self.call({"operation": "push", "candles": rows}, 2 * len(rows)))
                count += len(rows)
        while (answer := await self.call({"operation": "finish"}, 2 * count)).pop(CONTINUES, False):
            on_part(answer)
        return answer

    async def keep(self, candles: AsyncIterator[Sequence[Candle]]) -> None:
        """Give candles to the process that it keeps for calculations."""
        async for part in candles:
            rows = [encode_candle(each) for each in part]
            await self.call({"operation": "keep", "candles": rows})
            self._kept += len(rows)

    async def call(self, message: Message, decisions: int = 2) -> Message:
        """Return the result of an operation that takes as long as so many decisions.

        Raises ``StrategyFailed``, and what the operation refuses with.
        """
        seconds = ANSWER_SECONDS + decisions * self._decision_seconds
        try:
            with self._priority.limit(_cpu_seconds(decisions)):
                async with asyncio.timeout(seconds):
                    answer = await self._exchange(message)
        except TimeoutError:
            await self.close()
            raise StrategyFailed(
                f"no answer within {seconds:g} s", reason="strategy_timeout"
            ) from None
        except (ValueError, OSError, asyncio.IncompleteReadError):
            await self._fail_as_ended()
        return await self._result(answer)

    async def close(self) -> None:
        """End the process and those that it has started in its process group.

        If it is cancelled, also repeatedly, it first waits for the end of the process: pipes that
        are left would stay open until the event loop ends.
        """
        if self._process.returncode is None:
            self._kill()
        end = asyncio.create_task(self._discard_answers())
        left = {end, self._reads_log}
        clock = asyncio.get_running_loop().time
        deadline = clock() + CLOSE_SECONDS_MAX
        cancellation: asyncio.CancelledError | None = None
        while left and clock() < deadline:
            try:
                _, left = await asyncio.wait(left, timeout=deadline - clock())
            except asyncio.CancelledError as error:
                cancellation = error
        if left:
            logger.warning("strategy_pipes_open pid=%d", self._process.pid)
            end.cancel()
            self._reads_log.cancel()
        if cancellation is not None:
            raise cancellation

    def _kill(self) -> None:
        pid = self._process.pid
        with suppress(ProcessLookupError):
            try:
                os.killpg(pid, signal.SIGKILL)
            except ProcessLookupError:  # it has not formed its group yet
                os.kill(pid, signal.SIGKILL)

    async def _exchange(self, message: Message) -> Message:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None, "both are pipes"
        stdin.write(encode_frame(message))
        await stdin.drain()
        head = await stdout.readexactly(LENGTH_BYTES)
        return decode_frame(await stdout.readexactly(frame_length(head)))

    async def _result(self, answer: Message) -> Message:
        if "refused" in answer:
            code, reason, text = answer["refused"]
            raise _REFUSALS.get(code, Invalid)(text, reason=reason)
        if "failed" in answer:
            await self.close()
            reason, text, trace = answer["failed"]
            raise StrategyFailed(text, reason=reason, traceback=trace)
        result: Message = answer["result"]
        return result

    async def _fail_as_ended(self) -> NoReturn:
        """Raise why the process ended or sent what is no answer."""
        with suppress(TimeoutError):  # it lives and sent what is no answer
            async with asyncio.timeout(_END_SECONDS):
                await self._process.wait()
        await self.close()
        log = self._log.decode(errors="replace")
        status = self._process.returncode
        if status == -_SIGVTALRM:
            seconds = self._decision_seconds
            message = f"a decision took longer than {seconds:g} s and could not be interrupted"
            raise StrategyFailed(message, reason="strategy_timeout", traceback=log)
        message = f"its process ended with status {status}"
        raise StrategyFailed(message, reason="strategy_ended", traceback=log)

    async def _discard_answers(self) -> None:
        """Read stdout to its end; asyncio waits for an ended process until nothing is unread."""
        stdout = self._process.stdout
        assert stdout is not None, "it is a pipe"
        while await stdout.read(FRAME_BYTES_MAX):
            pass
        await self._process.wait()

    async def _read_log(self) -> None:
        """Keep the end of what the process writes to stderr."""
        stderr = self._process.stderr
        assert stderr is not None, "it is a pipe"
        while part := await stderr.read(_LOG_BYTES):
            self._log = (self._log + part)[-_LOG_BYTES:]


def _cpu_seconds(decisions: int) -> float:
    """Return the processor time that a call of so many decisions uses at normal priority."""
    return min(DECISION_CPU_SECONDS * decisions, CALL_CPU_SECONDS_MAX)
