"""Any body of a signal is read or refused with a reason; symbols resolve to one market or none."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.run_size import count_examples
from oms.domain.errors import Invalid
from oms.domain.money import ZERO
from oms.domain.signals.signal import SignalAction, SignalKind
from oms.domain.signals.symbols import resolve_symbol
from oms.wire.json import dumps, loads
from oms.wire.request_body import Malformed
from oms.wire.signals.signal_requests import READERS, REDACTED

_TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["buy", "SELL", "long", "close", "BTCUSDT", "limit", "flat", "0.1", "-1", "NaN", "1e999999"]
    ),
)
_NUMBERS = st.one_of(
    st.integers(-(10**20), 10**20),
    st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-99, max_value=99),
)
_VALUES = st.recursive(
    st.none() | st.booleans() | _TEXTS | _NUMBERS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=4,
)
_NAMES = st.one_of(
    st.sampled_from(
        [
            *("symbol", "ticker", "side", "action", "price", "timestamp", "qty", "quantity"),
            *("contracts", "order_type", "type", "quantity_pct", "notional", "tp_pct", "sl_pct"),
            *("position_size", "market_position", "alert_id", "secret", "strategy", "timenow"),
        ]
    ),
    st.text(max_size=8),
)
_BODIES = st.dictionaries(_NAMES, _VALUES, max_size=8)
#: A valid body of each kind, so that what differs is one field.
_VALID: dict[SignalKind, dict[str, Any]] = {
    SignalKind.BOUNCE: {
        "symbol": "BTCUSDT",
        "side": "buy",
        "price": "100",
        "timestamp": "2025-01-01T00:00:00Z",
    },
    SignalKind.TRADE: {"symbol": "BTCUSDT", "side": "sell", "qty": "0.1"},
    SignalKind.TRADINGVIEW: {"ticker": "BTCUSDT", "action": "buy", "quantity": "0.1"},
}


@pytest.mark.parametrize("kind", _VALID)
@settings(max_examples=count_examples(300))
@given(changes=_BODIES, is_based=st.booleans())
def test_a_body_is_read_or_refused(
    kind: SignalKind, changes: dict[str, Any], is_based: bool
) -> None:
    body = loads(dumps({**(_VALID[kind] if is_based else {}), **changes}))
    try:
        message = READERS[kind](body)
    except Malformed as refused:
        assert refused.errors and all(each["msg"] for each in refused.errors)
        secret = body.get("secret")
        if isinstance(secret, str) and len(secret) > 6:
            assert secret not in str(refused.errors)
        return
    assert message == READERS[kind](loads(dumps(body))), "the same body is the same signal"
    sent = str(body.get("side", body.get("action", ""))).strip().lower()
    words = {"buy": "buy", "long": "buy", "sell": "sell", "short": "sell", "close": "close"}
    if message.action is not SignalAction.POSITION_SIZE:
        assert message.action.value == words[sent], "no side is a default"
    for amount in (message.qty, message.notional, message.price, message.sl_pct, message.tp_pct):
        assert amount is None or amount > ZERO
    if "secret" in body:
        assert message.raw["secret"] == REDACTED


_CURRENCIES = ("BTC", "ETH", "USDT", "USDC", "XRP")
_MARKETS = st.lists(
    st.tuples(st.sampled_from(_CURRENCIES), st.sampled_from(_CURRENCIES), st.booleans()),
    unique=True,
    max_size=8,
).map(lambda rows: [f"{b}/{q}" + (f":{q}" if swap else "") for b, q, swap in rows if b != q])
_FORMS = st.sampled_from(["{b}{q}", "{b}/{q}", "{b}-{q}", "{b}_{q}", "BINANCE:{b}{q}", "{b}{q}.P"])


@settings(max_examples=count_examples(500))
@given(
    markets=_MARKETS,
    base=st.sampled_from(_CURRENCIES),
    quote=st.sampled_from(_CURRENCIES),
    form=_FORMS,
    is_lower=st.booleans(),
)
def test_a_symbol_resolves_to_a_market_of_its_currencies(
    markets: list[str], base: str, quote: str, form: str, is_lower: bool
) -> None:
    text = form.format(b=base, q=quote)
    text = text.lower() if is_lower else text
    pair = f"{base}/{quote}"
    wanted = {pair, f"{pair}:{quote}"} & set(markets)
    try:
        found = resolve_symbol(text, markets, {})
    except Invalid as refused:
        assert refused.reason in ("unknown_symbol", "ambiguous_symbol")
        is_swap = form.endswith(".P")
        assert (f"{pair}:{quote}" if is_swap else pair) not in wanted
        return
    assert found in wanted
    assert found.endswith(f":{quote}") or not form.endswith(".P")


@given(text=st.text(max_size=40))
def test_any_text_is_resolved_or_refused(text: str) -> None:
    try:
        assert resolve_symbol(text, ["BTC/USDT", "BTC/USDT:USDT"], {}).startswith("BTC/USDT")
    except Invalid as refused:
        assert refused.reason in ("unknown_symbol", "ambiguous_symbol")


def test_the_numbers_of_a_body_are_exact() -> None:
    message = READERS[SignalKind.TRADE](_VALID[SignalKind.TRADE] | {"qty": "0.100000000000000001"})
    assert message.qty == Decimal("0.100000000000000001")
