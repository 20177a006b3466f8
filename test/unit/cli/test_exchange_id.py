"""How an exchange is named at the command line; whether it exists is asked where it is stored."""

import pytest

from oms.cli.office import exchange_id_of
from oms.cli.output import Failed


@pytest.mark.parametrize(
    ("said", "full"),
    [
        ("bybit", "ccxt.bybit"),
        ("ccxtpro.bybit", "ccxtpro.bybit"),
        ("paper.binance", "paper.binance"),
    ],
)
def test_a_bare_name_is_one_of_ccxt(said: str, full: str) -> None:
    assert exchange_id_of(said) == full


def test_another_engine() -> None:
    with pytest.raises(Failed, match="unsupported_engine") as refused:
        exchange_id_of("fix.x")
    assert refused.value.status == 2
