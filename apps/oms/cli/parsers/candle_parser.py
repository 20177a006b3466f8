"""Parser of the commands for instruments and candles."""

import argparse
from typing import Any

from oms.cli.flags import CommandParser, add_group, add_verb, lazy_command
from oms.cli.parsers.backtest_parser import TIMEFRAMES


def add_candles(commands: Any, json: argparse.ArgumentParser) -> None:
    """Add the verbs of ``instruments`` and ``candles``."""
    _add_instruments(add_group(commands, "instruments", "what stored candles belong to"), json)
    _add_candles(add_group(commands, "candles", "stored candles"), json)


def _add_instruments(verbs: Any, json: argparse.ArgumentParser) -> None:
    add = add_verb(
        verbs,
        "add",
        [json],
        "store an instrument of an exchange",
        example="instruments add --exchange binance --symbol BTC/USDT --price-tick 0.01",
        run=lazy_command("research.instruments", "add"),
    )
    _add_series(add, timeframe=False)
    add.add_argument("--base", help="base currency (of the symbol)")
    add.add_argument("--quote", help="quote currency (of the symbol, else USD)")
    add.add_argument("--asset-class", choices=("crypto", "stock"), default="crypto", help="crypto")
    add.add_argument("--market-type", default="spot", help="as spot, swap or future (spot)")
    add.add_argument(
        "--session", choices=("24x7", "us_equity"), default="24x7", help="when it trades (24x7)"
    )
    add.add_argument("--price-tick", help="step of prices (0.00000001)")
    add.add_argument("--qty-step", help="step of quantities (0.00000001)")
    add.add_argument("--min-qty", help="smallest quantity (0)")
    add.add_argument("--min-notional", help="smallest value of an order in quote (0)")
    add.add_argument("--contract-size", help="base per contract (1)")
    load = add_verb(
        verbs,
        "load",
        [json],
        "store the instruments of an exchange",
        example="instruments load --exchange binance --quote USDT",
        run=lazy_command("research.candle_fetch", "load"),
    )
    load.add_argument("--exchange", required=True, help="name of the venue, as binance")
    load.add_argument("--quote", help="only those of one quote currency")
    _add_source(load)
    show = add_verb(
        verbs,
        "list",
        [json],
        "list instruments",
        example="instruments list --exchange binance",
        run=lazy_command("research.instruments", "list_all"),
    )
    show.add_argument("--exchange", help="of one exchange")


def _add_candles(verbs: Any, json: argparse.ArgumentParser) -> None:
    fetch = add_verb(
        verbs,
        "fetch",
        [json],
        "store an exchange's candles that are missing; exit status 7 if some still are",
        example="candles fetch BTC/USDT 5m 1h --exchange binance --start 2026-01-01",
        run=lazy_command("research.candle_fetch", "fetch"),
    )
    fetch.add_argument("symbol", metavar="SYMBOL", help="as BTC/USDT")
    fetch.add_argument("timeframes", nargs="+", metavar="TIMEFRAME", help="as 5m 1h")
    fetch.add_argument("--exchange", required=True, help="name of the venue, as binance")
    fetch.add_argument("--start", help="from here on (the first stored candle)")
    fetch.add_argument("--end", help="before this time (now)")
    _add_page(fetch)
    read = add_verb(
        verbs,
        "import",
        [json],
        "store the candles of a CSV file",
        example="candles import btc-1h.csv --exchange binance --symbol BTC/USDT --timeframe 1h",
        run=lazy_command("research.candles", "import_file"),
    )
    read.add_argument("file", metavar="FILE", help="with a header, or in the layout of klines")
    _add_series(read)
    _add_funding(verbs, json)
    gaps = add_verb(
        verbs,
        "gaps",
        [json],
        "list or fetch missing candles; exit status 7 if there are any",
        example="candles gaps --exchange binance --symbol BTC/USDT --timeframe 1h",
        run=lazy_command("research.candles", "gaps"),
    )
    _add_series(gaps)
    gaps.add_argument("--start", help="from here on (the first stored candle)")
    gaps.add_argument("--end", help="before this time (the last stored candle)")
    gaps.add_argument("--fill", action="store_true", help="fetch them first, until --end or now")
    _add_page(gaps)
    resample = add_verb(
        verbs,
        "resample",
        [json],
        "make candles of larger timeframes from stored ones",
        example="candles resample 5m 1h 4h --exchange binance --symbol BTC/USDT",
        run=lazy_command("research.candles", "resample"),
    )
    resample.add_argument(
        "timeframes", nargs="+", metavar="TIMEFRAME", help="the source, then those to make"
    )
    _add_series(resample, timeframe=False)
    coverage = add_verb(
        verbs,
        "coverage",
        [json],
        "list what is stored, by instrument and timeframe",
        example="candles coverage",
        run=lazy_command("research.candles", "coverage"),
    )
    coverage.add_argument("--exchange", help="of one exchange")


def _add_funding(verbs: Any, json: argparse.ArgumentParser) -> None:
    funding = add_verb(
        verbs,
        "funding",
        [json],
        "store the funding rates of a contract from a CSV file",
        example="candles funding funding.csv --exchange binance --symbol BTC/USDT:USDT",
        run=lazy_command("research.candles", "import_funding"),
    )
    funding.add_argument("file", metavar="FILE", help="with a header: timestamp and funding_rate")
    _add_series(funding, timeframe=False)


def _add_page(command: CommandParser) -> None:
    command.add_argument("--limit", type=int, default=1000, help="candles of a request (1000)")
    _add_source(command)


def _add_source(command: CommandParser) -> None:
    command.add_argument(
        "--environment",
        choices=("live", "testnet", "demo", "loopback"),
        help="whose public data (candles.sources of the settings, else live)",
    )
    command.add_argument("--config", metavar="JSON", help="extra_config, as that of an account")


def _add_series(command: CommandParser, *, timeframe: bool = True) -> None:
    command.add_argument("--exchange", required=True, help="name of the venue, as binance")
    command.add_argument("--symbol", required=True, help="as BTC/USDT")
    if timeframe:
        command.add_argument("--timeframe", required=True, choices=TIMEFRAMES, help="length")
