"""Strategies of users for tests: the example, rules that fail, and candles that they trade."""

from collections.abc import Sequence
from pathlib import Path

from kit.backtests.candles import candles_of
from oms.domain.market.candle import Candle

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
#: Each decides nothing but fails at the price of 105.
FAILING = """
from oms.strategies.catalog import Parameter, StrategyDefinition
from oms.strategies.strategy import Action, Decision


class Rule:
    def __init__(self, fail, number):
        self._fail, self._number = fail, number

    def warmup(self):
        return {}

    def on_bar(self, bars, side):
        if bars.base.close == 105 and self._number:
            self._fail()
        return [Decision(action=Action.LONG)]


def loops():
    while True:
        pass


def allocates():
    return bytearray(8 * 2**30)


def raises():
    return 1 / 0


def definition(fail):
    return StrategyDefinition(
        name=fail.__name__, version="1", summary="", base=None, higher=(),
        parameters=(Parameter(name="number", default=1, minimum=0, maximum=9),),
        build=lambda timeframe, parameters: Rule(fail, parameters["number"]),
    )


STRATEGIES = [definition(each) for each in (loops, allocates, raises)]
"""


def write_strategies(folder: Path) -> Path:
    """Write the example and the rules that fail into a folder; returns it."""
    folder.mkdir()
    example = EXAMPLES / "strategies" / "breakout.py"
    (folder / "breakout.py").write_text(example.read_text(encoding="utf-8"), encoding="utf-8")
    signals = EXAMPLES / "signals" / "rsi_signals.py"
    (folder / "rsi_signals.py").write_text(signals.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "failing.py").write_text(FAILING, encoding="utf-8")
    return folder


def rise_and_fall() -> list[Candle]:
    """Return hourly candles: flat, up to 119, down to 91, and again."""
    leg = [100] * 5 + [*range(101, 120)] + [*range(119, 90, -2)]
    return candles_of(_rows([*leg, *leg, *leg]))


def _rows(closes: Sequence[int]) -> list[tuple[str, str, str, str]]:
    return [(str(price),) * 4 for price in closes]


def csv_text(candles: Sequence[Candle]) -> str:
    """Return candles as a file with a header."""
    rows = [
        f"{each.open_time.isoformat()},{each.open},{each.high},{each.low},{each.close},1"
        for each in candles
    ]
    return "\n".join(["time,open,high,low,close,volume", *rows])
