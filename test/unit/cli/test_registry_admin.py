"""How an exchange is named at the command line; whether it exists is asked where it is stored."""

import pytest

from oms.cli.output import CommandFailed
from oms.cli.registry_admin import parse_exchange_id


@pytest.mark.parametrize(
    ("said", "full"),
    [
        ("bybit", "ccxt.bybit"),
        ("ccxtpro.bybit", "ccxtpro.bybit"),
        ("paper.binance", "paper.binance"),
    ],
)
def test_a_bare_name_is_one_of_ccxt(said: str, full: str) -> None:
    assert parse_exchange_id(said) == full


def test_another_engine() -> None:
    with pytest.raises(CommandFailed, match="unsupported_engine") as refused:
        parse_exchange_id("fix.x")
    assert refused.value.status == 2
