"""The outcome of each order that one request placed.

An order's part of the reply is judged as the reply to a request of its own would be.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from oms.adapters.ccxt.client.error_mapping import ErrorMapping
from oms.adapters.ccxt.client.exchange_client import Row
from oms.adapters.ccxt.client.http_session import CallContext
from oms.adapters.ccxt.client.request_errors import (
    HttpReply,
    MissingOrderId,
    RequestError,
    UnreadableReply,
)
from oms.adapters.ccxt.venues.order_batches import BatchItem
from oms.adapters.ccxt.venues.profile_registry import get_profile
from oms.adapters.ccxt.venues.venue_errors import parse_body
from oms.domain.value import evolve
from oms.wire.json import dumps_fast


def count_new_orders(method: str, args: Sequence[Any]) -> int:
    """Returns how many orders a call places; an amendment counts as one at exchanges."""
    if method == "create_orders" and args and isinstance(args[0], list):
        return len(args[0])
    return 1 if method.startswith(("create_", "edit_")) and "order" in method else 0


def read_batch_reply(
    exchange: Any,
    venue: str,
    reply: HttpReply | None,
    client_ids: Sequence[str],
    secrets: Sequence[str],
) -> Sequence[Row | RequestError] | None:
    """Returns the outcome of each order, in the order of ``client_ids``.

    ``None`` if the reply does not answer each of them: then nothing is certain of any.
    """
    batch = get_profile(venue).order_batch
    assert batch is not None, "the venue places several orders by one request"
    items = None if reply is None else batch.split(parse_body(reply.body))
    if reply is None or items is None or len(items) != len(client_ids):
        return None
    pairs = list(zip(items, client_ids, strict=True))
    if any(item.client_id not in (None, client_id) for item, client_id in pairs):
        return None
    return [_outcome(exchange, venue, reply, item, secrets) for item in items]


def _outcome(
    exchange: Any, venue: str, reply: HttpReply, item: BatchItem, secrets: Sequence[str]
) -> Row | RequestError:
    body: Mapping[str, Any] = item.body
    text, call = dumps_fast(body), CallContext(is_write=True)
    call.headers_sent, call.reply = 1, evolve(reply, body=text, is_accepted=False)
    try:
        with ErrorMapping(venue, call, is_write=True, secrets=secrets):
            # As ccxt checks the reply to a single order; it raises the venue's errors.
            exchange.handle_errors(
                reply.status, "", reply.url, "POST", reply.headers, text, body, {}, ""
            )
            if not get_profile(venue).errors.is_success(body):
                raise UnreadableReply("the part of the reply about this order is no success")
            if item.order_id is None:
                raise MissingOrderId("this order of a batch was answered without an id")
    except RequestError as error:
        return error
    return {"id": item.order_id, "clientOrderId": item.client_id, "info": dict(body)}
