"""A restart in the middle of a change that places an order anew: it goes on from its attempts.

What is left is placed only if there is no attempt for it yet; one that there is is looked up.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from oms.adapters.ccxt.inbox import Inbox
from oms.adapters.ccxt.known import Known, KnownOrders, ended
from oms.adapters.ccxt.lanes import Lanes
from oms.adapters.ccxt.replacing_told import CREATE_FAILED
from oms.adapters.ccxt.telling import about, refused
from oms.adapters.ccxt.wishes import CANCEL, CHANGE, PLACE, Way, Wish, terms_of_row, way_of_row
from oms.domain.report import Edit, Heard, ReportKind
from oms.domain.value import evolve
from oms.ports.exchange import AttemptRow

_OPEN = (None, "unknown")


def is_anew(row: AttemptRow) -> bool:
    """Whether the request places the order anew."""
    if row.kind == PLACE:
        return row.attempt > 1
    return row.kind == CHANGE and way_of_row(row) is Way.REPLACE and row.outcome == "acked"


def resume_replacing(
    orders: KnownOrders, rows: Sequence[AttemptRow], inbox: Inbox, lanes: Lanes, now: datetime
) -> set[int]:
    """Go on with all that were under way; their orders."""
    under_way: Mapping[int, AttemptRow] = {
        row.order_id: row
        for row in rows
        if row.kind == CHANGE and way_of_row(row) is not Way.NATIVE and row.outcome in _OPEN
    }
    for order_id, row in under_way.items():
        later = [each for each in rows if each.order_id == order_id and each.attempt > row.attempt]
        known = orders.own(order_id)
        if known is not None:
            _go_on(known, row, later, inbox, lanes, now)
    return set(under_way)


def _go_on(
    known: Known,
    row: AttemptRow,
    later: Sequence[AttemptRow],
    inbox: Inbox,
    lanes: Lanes,
    now: datetime,
) -> None:
    qty, price = terms_of_row(row)
    wish = Wish(
        kind=CHANGE,
        known=known,
        row=row,
        deadline=row.may_send_until,
        qty=qty,
        price=price,
        way=way_of_row(row),
        is_resumed=True,
    )
    created = [each.outcome for each in later if each.kind == PLACE]
    if not created or created[-1] in _OPEN:
        lanes.enter(wish)
    elif created[-1] == "acked":
        known.answers += 1
        kind, whole = ReportKind.CHANGED, known.whole_qty
        told = about(
            known, kind, Heard.RECONCILE, now, qty=whole, price=known.price, edit=Edit.DONE
        )
        inbox.put([told], [evolve(row, acked_at=now, outcome="acked")])
    else:
        message = "the order was canceled and not placed again"
        reports = refused(wish, CREATE_FAILED, message, Heard.RECONCILE, now)
        ended(known, now)
        reports.append(
            about(known, ReportKind.CANCELED, Heard.RECONCILE, now, edit=Edit.CREATE_FAILED)
        )
        inbox.put(reports, [evolve(row, outcome="rejected", code=CREATE_FAILED)])
    for each in later:
        if each.kind == CANCEL and each.outcome in (*_OPEN, "acked"):
            lanes.enter(Wish(kind=CANCEL, known=known, row=each, deadline=each.may_send_until))
