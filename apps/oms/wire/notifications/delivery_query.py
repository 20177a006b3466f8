"""Query parameters of the list of deliveries."""

from oms.domain.notifications.delivery import DeliveryStatus
from oms.ports.runner.notifications import DeliveryQuery
from oms.wire import parameters as p
from oms.wire.query_parameters import Query, malformed_parameter, read_number, read_optional_id


def read_delivery_query(query: Query) -> DeliveryQuery:
    """Parse filters and page. Raises ``Malformed``."""
    status = query.get(p.DELIVERY_STATUS.name, "").strip().lower()
    if status and status not in DeliveryStatus.__members__.values():
        words = ", ".join(DeliveryStatus)
        raise malformed_parameter(p.DELIVERY_STATUS.name, f"one of {words}", "enum")
    return DeliveryQuery(
        sink_id=read_optional_id(query, p.SINK_ID),
        status=DeliveryStatus(status) if status else None,
        before_id=read_optional_id(query, p.BEFORE_ID),
        limit=read_number(query, p.DELIVERIES_LIMIT),
    )
