"""Query parameters of stored backtests: filters, ranking, pages."""

import base64
import binascii
import math
import re

from oms.domain.ids import ID_MAX
from oms.domain.market.timeframe import Timeframe
from oms.ports.research.backtest_runs import (
    BacktestKind,
    BacktestQuery,
    BacktestStatus,
    RankKey,
)
from oms.wire import parameters as p
from oms.wire.backtests.run_figures import ASCENDING, FIGURES
from oms.wire.query_parameters import Query, malformed_parameter, read_number

COMPARED_MIN, COMPARED_MAX = 2, 6
_CURSOR = re.compile(r"r(\d{1,16})(?:~(-?[0-9a-fx.p+-]+))?", re.ASCII)


def read_backtest_query(query: Query) -> BacktestQuery:
    """Return filters, ranking and page of a list. Raises ``Malformed``."""
    figure = query.get(p.BACKTEST_SORT.name, "").strip() or None
    if figure is not None and figure not in FIGURES:
        raise malformed_parameter("sort", f"one of {', '.join(FIGURES)} is expected", "enum")
    status = _word(query, p.BACKTEST_STATUS, tuple(BacktestStatus))
    kind = _word(query, p.BACKTEST_KIND, tuple(BacktestKind))
    order = _word(query, p.BACKTEST_ORDER, ("asc", "desc"))
    return BacktestQuery(
        kind=None if kind is None else BacktestKind(kind),
        status=None if status is None else BacktestStatus(status),
        strategy=_text(query, p.BACKTEST_STRATEGY),
        exchange=_text(query, p.INSTRUMENTS_EXCHANGE),
        symbol=_text(query, p.SYMBOL),
        timeframe=_word(query, p.BACKTEST_TIMEFRAME, tuple(Timeframe)),
        figure=figure,
        is_ascending=figure in ASCENDING if order is None else order == "asc",
        after=read_rank_cursor(query),
        limit=read_number(query, p.BACKTESTS_LIMIT),
    )


def rank_cursor_text(key: RankKey) -> str:
    """Return the opaque cursor of a page."""
    number = "" if key.number is None else f"~{key.number.hex()}"
    return base64.urlsafe_b64encode(f"r{key.run_id}{number}".encode()).decode().rstrip("=")


def read_rank_cursor(query: Query) -> RankKey | None:
    """Decode ``cursor``; ``None`` if it is absent or empty. Raises ``Malformed``."""
    text = query.get(p.CURSOR.name, "")
    if not text:
        return None
    try:
        decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
        match = _CURSOR.fullmatch(decoded)
        number = None if match is None or match[2] is None else float.fromhex(match[2])
    except (binascii.Error, ValueError, OverflowError):
        match, number = None, None
    if match is None or (number is not None and not math.isfinite(number)):
        raise malformed_parameter("cursor", "the cursor is invalid")
    return RankKey(number=number, run_id=int(match[1]))


def read_compared_ids(query: Query) -> tuple[int, ...]:
    """Return the ids of a comparison in their order. Raises ``Malformed``."""
    text = query.get(p.COMPARED_IDS.name, "").strip()
    ids = [part.strip() for part in text.split(",")] if text else []
    if not all(re.fullmatch(r"\d{1,16}", part, re.ASCII) for part in ids):
        raise malformed_parameter("ids", "ids with commas between are expected")
    numbers = tuple(dict.fromkeys(int(part) for part in ids))
    is_valid = all(0 < number <= ID_MAX for number in numbers)
    if not is_valid or not COMPARED_MIN <= len(numbers) <= COMPARED_MAX:
        message = f"{COMPARED_MIN} to {COMPARED_MAX} different ids are expected"
        raise malformed_parameter("ids", message)
    return numbers


def _text(query: Query, parameter: p.Parameter) -> str | None:
    return query.get(parameter.name, "").strip() or None


def _word(query: Query, parameter: p.Parameter, words: tuple[str, ...]) -> str | None:
    text = _text(query, parameter)
    if text is not None and text not in words:
        raise malformed_parameter(parameter.name, f"one of {', '.join(words)} is expected", "enum")
    return text
