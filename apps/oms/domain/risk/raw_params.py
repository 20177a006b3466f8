"""Raw parameters of a request that checks can rely on: they change nothing of what is traded.

An exchange may read a quantity, a price, a side or a leg from any other parameter. Where a limit
rules an order, or where an order is exempt because it only reduces, such a parameter is refused:
it would be judged by other terms than those that are sent.
"""

from collections.abc import Mapping

_NEUTRAL = frozenset(
    {
        *("clientorderid", "reduceonly", "postonly", "timeinforce", "hedged"),
        *("triggerprice", "stopprice", "stoplossprice", "takeprofitprice", "cost"),
        *("trailingamount", "trailingpercent", "trailingtriggerprice", "triggerdirection"),
        *("triggerpricetype", "triggerby", "workingtype", "pricetype"),
        *("goodtilldate", "expiretime", "selftradeprevention", "selftradepreventionmode"),
        *("sim", "precision", "deadlinems", "unknown", "oco", "siblingstop", "trigger", "stop"),
    }
)
"""Names without underscores in lower case: what is judged by itself, or never changes a trade."""
_LEGS = frozenset({"positionside", "posside", "positionidx", "holdside", "marginmode", "tdmode"})
"""They choose the leg or the margin of an order; an order that opens is judged in full anyway."""
_ONE_WAY = frozenset({"0", "net", "both"})
"""Values of a leg where the exchange has one position per symbol."""
_EXITS = frozenset({"stoploss", "takeprofit"})
_EXIT_FIELDS = frozenset({"triggerprice", "price", "type", "pricetype", "triggerpricetype"})


def unjudged_param(params: Mapping[str, object], *, is_exempt: bool) -> str | None:
    """Return the first parameter that may change what is traded; ``None`` if none may.

    ``is_exempt``: the order passes because it only reduces, which a leg would contradict.
    """
    for name in sorted(params):
        plain = _plain(name)
        if plain in _NEUTRAL or (plain in _LEGS and not is_exempt):
            continue
        if plain in _EXITS and _is_neutral_exit(params[name]):
            continue
        if plain in _LEGS and str(params[name]).lower() in _ONE_WAY:
            continue
        return name
    return None


def _is_neutral_exit(value: object) -> bool:
    """Return whether an attached exit has prices only, and so closes what its order fills."""
    return isinstance(value, Mapping) and all(_plain(name) in _EXIT_FIELDS for name in value)


def _plain(name: str) -> str:
    return name.replace("_", "").lower()
