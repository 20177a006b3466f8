"""Who named an order at the paper exchange: the ledger, a caller of the gateway, or nobody.

The ledger's name is its order's number. A caller's name stands behind a tilde, so that no number of
his is ever taken for an order of the ledger; the tilde alone is an order he gave no name. What the
exchange made by itself has no name at all.
"""

_DIRECT_PREFIX = "~"


def ledger_order_id(client_id: str) -> int:
    """The ledger's order that is called so; 0 for one of somebody else."""
    return int(client_id) if client_id and client_id[0] != _DIRECT_PREFIX else 0


def is_ledger_order(client_id: str) -> bool:
    """Whether it is the name of one of the ledger's orders."""
    return bool(client_id) and client_id[0] != _DIRECT_PREFIX


def encode_client_order_id(client_order_id: str | None) -> str:
    """What the exchange calls an order that a caller of the gateway makes."""
    return f"{_DIRECT_PREFIX}{client_order_id or ''}"


def decode_client_order_id(client_id: str) -> str | None:
    """``clientOrderId`` as it is shown: the name without its mark."""
    return client_id.removeprefix(_DIRECT_PREFIX) or None
