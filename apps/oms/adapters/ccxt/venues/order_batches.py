"""Limits on new orders, and requests that place several orders at once, as venues define them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from oms.adapters.ccxt.venues.order_status import Info, info_text
from oms.domain.instrument import InstrumentKind
from oms.domain.value import value


@value
class OrderLimit:
    """At most ``orders`` new orders in ``seconds``: per API of the venue, or per path."""

    #: The beginning of ccxt's name of the API, in lower case.
    api: str = ""
    #: The path that counts by itself; empty: all orders of the API count together.
    path: str = ""
    orders: int
    seconds: float = 1.0
    #: Reply header with the orders counted so far.
    used_header: str = ""

    @property
    def key(self) -> tuple[str, str, float]:
        """What distinguishes it from the other limits of a venue."""
        return self.api, self.path, self.seconds

    def applies_to(self, api: str, path: str) -> bool:
        """Returns whether an order sent to ``path`` of ``api`` counts."""
        return path == self.path if self.path else api.startswith(self.api)


@value
class BatchItem:
    """The reply to one order of a batch: ``body`` as a request of its own would have returned."""

    body: Mapping[str, Any]
    order_id: str | None
    client_id: str | None


@value
class OrderBatch:
    """How several orders are placed by one request."""

    size: int
    kinds: frozenset[InstrumentKind]
    #: ccxt's name of the API, in lower case, and the paths of a single order and of a batch.
    api: str
    path: str
    batch_path: str
    #: What a batch costs of the budget of its address, in ccxt's costs.
    cost: float = 1.0
    #: Splits the reply; ``None`` if it does not answer each order.
    split: Callable[[Any], Sequence[BatchItem] | None]


def split_list(body: Any, *, id_key: str, client_id_key: str) -> Sequence[BatchItem] | None:
    """Splits a reply that is a list of orders and errors."""
    rows = body if isinstance(body, list) else None
    if rows is None or not all(isinstance(row, dict) for row in rows):
        return None
    return [_item(row, row, id_key, client_id_key) for row in rows]


def split_rows(
    body: Any, *, id_key: str, client_id_key: str, wrap: Callable[[Info], Mapping[str, Any]]
) -> Sequence[BatchItem] | None:
    """Splits a reply whose ``data`` lists orders and errors."""
    rows = body.get("data") if isinstance(body, dict) else None
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        return None
    return [_item(wrap(row), row, id_key, client_id_key) for row in rows]


def split_pairs(body: Any, *, id_key: str, client_id_key: str) -> Sequence[BatchItem] | None:
    """Splits a reply with a list of orders and another one of their codes."""
    if not isinstance(body, dict):
        return None
    result, extra = body.get("result") or {}, body.get("retExtInfo") or {}
    rows, codes = result.get("list"), extra.get("list")
    if not isinstance(rows, list) or not isinstance(codes, list) or len(rows) != len(codes):
        return None
    return [
        _item(
            {"retCode": code.get("code"), "retMsg": code.get("msg"), "result": row},
            row,
            id_key,
            client_id_key,
        )
        for row, code in zip(rows, codes, strict=True)
    ]


def _item(body: Mapping[str, Any], row: Info, id_key: str, client_id_key: str) -> BatchItem:
    return BatchItem(
        body=body, order_id=info_text(row, id_key), client_id=info_text(row, client_id_key)
    )
