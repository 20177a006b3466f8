"""Client order ids at the paper exchange: of the ledger, of direct callers, or empty.

An order of the ledger has its order id. An order that a caller placed directly has the caller's id
behind a tilde, so that no number is ever taken for an order of the ledger; the tilde alone is an
order without an id of the caller. Orders of the exchange itself have an empty id.
"""

_DIRECT_PREFIX = "~"


def ledger_order_id(client_id: str) -> int:
    """Returns the ledger's order id; 0 for an order that is not the ledger's."""
    return int(client_id) if client_id and client_id[0] != _DIRECT_PREFIX else 0


def is_ledger_order(client_id: str) -> bool:
    """Returns whether the id is one of the ledger's orders."""
    return bool(client_id) and client_id[0] != _DIRECT_PREFIX


def encode_client_order_id(client_order_id: str | None) -> str:
    """Returns the client id of an order that a caller of the gateway places directly."""
    return f"{_DIRECT_PREFIX}{client_order_id or ''}"


def decode_client_order_id(client_id: str) -> str | None:
    """Returns ``clientOrderId`` as callers see it: without the prefix, ``None`` if empty."""
    return client_id.removeprefix(_DIRECT_PREFIX) or None
