"""Query parameters of the history of a bot."""

from oms.domain.bots.decision import EVENT_KINDS
from oms.ports.runner.bots import BotEventQuery
from oms.wire import parameters as p
from oms.wire.query_parameters import Query, malformed_parameter, read_number, read_optional_id


def read_event_query(bot_id: int, query: Query) -> BotEventQuery:
    """Parse filters and page. Raises ``Malformed``."""
    kind = query.get(p.BOT_EVENT_KIND.name, "").strip().lower()
    if kind and kind not in EVENT_KINDS:
        raise malformed_parameter(p.BOT_EVENT_KIND.name, f"one of {', '.join(EVENT_KINDS)}", "enum")
    return BotEventQuery(
        bot_id=bot_id,
        kind=kind or None,
        before_id=read_optional_id(query, p.BEFORE_ID),
        limit=read_number(query, p.BOT_EVENTS_LIMIT),
    )
