"""The process of one strategy: ``python -m oms.adapters.strategy_code.child OPTIONS``.

It answers each message of stdin with one on stdout, and ends with stdin. What the code of users
prints goes to stderr. ``OPTIONS`` is the JSON of ``ProcessOptions``.
"""

import os
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from oms.adapters.strategy_code.frames import (
    LENGTH_BYTES,
    Message,
    decode_frame,
    encode_frame,
    frame_length,
)
from oms.adapters.strategy_code.process_limits import (
    DecisionClock,
    DecisionTimeout,
    end_with_parent,
    limit_memory,
    lower_priority,
)
from oms.adapters.strategy_code.strategy_host import StrategyHost
from oms.domain.errors import OmsError

_TRACEBACK_CHARACTERS_MAX = 8000
_PACKAGE = str(Path(__file__).parents[2])


def main() -> int:
    """Answer messages until stdin ends."""
    os.setpgid(0, 0)  # It ends with what it starts; an interrupt of the terminal is not for it.
    options = orjson.loads(sys.argv[1])
    requests, answers = _take_streams()
    end_with_parent()
    limit_memory(options["memory_mb"])
    lower_priority(options["priority"])
    path = None if options["path"] is None else Path(options["path"])
    host = StrategyHost(path, DecisionClock(options["decision_seconds"], sys.stderr))
    operations = host.operations()
    while (message := _read(requests)) is not None:
        answers.write(encode_frame(answer(operations, message)))
        answers.flush()
    return 0


def answer(
    operations: Mapping[str, Callable[[Message], Message]], message: Message
) -> dict[str, Any]:
    """Return the answer of an operation, or why there is none."""
    try:
        return {"result": operations[message["operation"]](message)}
    except OmsError as error:
        if error.reason is None or not error.reason.startswith("strategy_"):
            return {"refused": [error.code, error.reason, error.message]}
        return _failure(error.reason, error.message, error.__cause__ or error)
    except DecisionTimeout as error:
        return _failure("strategy_timeout", str(error), error)
    except MemoryError as error:
        return _failure("strategy_memory", "it needs more memory than it may use", error)
    except BaseException as error:  # noqa: BLE001 - the code of a user, which may also exit
        return _failure("strategy_error", f"{type(error).__name__}: {error}", error)


def _failure(reason: str, message: str, error: BaseException) -> Message:
    return {"failed": [reason, message[:1000], format_traceback(error)]}


def format_traceback(error: BaseException) -> str:
    """Return the traceback, from the first line that is not of the gateway on."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_PACKAGE):
        trace = trace.tb_next
    lines = traceback.format_exception(type(error), error, trace or error.__traceback__)
    return "".join(lines)[-_TRACEBACK_CHARACTERS_MAX:]


def _take_streams() -> tuple[BinaryIO, BinaryIO]:
    """Return stdin and stdout for messages; what the code of users prints goes to stderr."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    return requests, answers


def _read(requests: BinaryIO) -> Message | None:
    head = requests.read(LENGTH_BYTES)
    if len(head) < LENGTH_BYTES:
        return None
    return decode_frame(requests.read(frame_length(head)))


if __name__ == "__main__":
    sys.exit(main())
