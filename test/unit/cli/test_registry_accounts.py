"""Exchange ids of the command line."""

import pytest

from oms.cli.output import CommandFailed
from oms.cli.registry_accounts import parse_exchange_id


@pytest.mark.parametrize(
    ("said", "full"),
    [
        ("bybit", "ccxt.bybit"),
        ("ccxtpro.bybit", "ccxtpro.bybit"),
        ("paper.binance", "paper.binance"),
    ],
)
def test_exchange_id_without_engine_is_ccxt(said: str, full: str) -> None:
    assert parse_exchange_id(said) == full


def test_unknown_engine_is_refused() -> None:
    with pytest.raises(CommandFailed, match="unsupported_engine") as refused:
        parse_exchange_id("fix.x")
    assert refused.value.status == 2
