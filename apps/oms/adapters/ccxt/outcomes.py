"""One wish from its lane to its outcome: sent at most once, and what came of it is reported.

What surely did not leave is sent again under the same name until its deadline; what is in doubt is
looked up and never sent again, but for cancels, which can be repeated.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from oms.adapters.ccxt.faults import (
    Fault,
    NotSent,
    OutcomeUnknown,
    Overloaded,
    ReadFailed,
    Rejected,
)
from oms.adapters.ccxt.inbox import Inbox
from oms.adapters.ccxt.known import KnownOrders, ended
from oms.adapters.ccxt.lanes import Gate
from oms.adapters.ccxt.looking_up import Doubt, LookingUp, Question
from oms.adapters.ccxt.pace import Pace, nth
from oms.adapters.ccxt.position_modes import MISMATCH, PositionModes
from oms.adapters.ccxt.replacing import Replacing
from oms.adapters.ccxt.sending import EXPIRED, is_passing
from oms.adapters.ccxt.telling import about, accept, refused
from oms.adapters.ccxt.venue import Venue
from oms.adapters.ccxt.wishes import (
    CANCEL,
    CHANGE,
    PLACE,
    Call,
    Way,
    Wish,
    cancel_call,
    change_call,
    with_legs,
)
from oms.domain.report import Heard, Report, ReportKind
from oms.domain.value import evolve


class Outcomes:
    """Carries wishes of one account out."""

    def __init__(
        self,
        *,
        client: Venue,
        modes: PositionModes,
        orders: KnownOrders,
        inbox: Inbox,
        looking_up: LookingUp,
        clock: Callable[[], datetime],
        pace: Pace,
        gate: Gate,
        replacing: Replacing,
        heard_soon: Callable[[str], None],
        first: Callable[[], Awaitable[None]],
    ) -> None:
        self._client = client
        self._modes = modes
        self._orders = orders
        self._inbox = inbox
        self._looking_up = looking_up
        self._clock = clock
        self._pace = pace
        self._gate = gate
        self._replacing = replacing
        #: Called with a symbol in which the exchange has something new to show.
        self._heard_soon = heard_soon
        #: What an order that is placed waits for.
        self._first = first

    async def carry_out(self, wish: Wish) -> None:
        """Take the wish to its outcome; nothing is raised but bugs."""
        if wish.kind != PLACE:
            if not await self._may_follow(wish):
                return
            if wish.kind == CHANGE and wish.way is not Way.NATIVE:
                await self._replacing(wish)
                self._heard_soon(wish.known.symbol)
                return
        if wish.kind == PLACE:
            await self._first()
        fault: Fault | None = None
        for number in range(1_000_000):
            async with self._gate.passed(wish):
                if wish.is_revoked:
                    return
                if self._clock() >= wish.deadline:
                    break
                fault = await self._send(wish)
            if fault is None:
                return
            if not is_passing(fault):
                break
            pause = nth(self._pace.resend, number)
            left = (wish.deadline - self._clock()).total_seconds()
            if max(pause, fault.retry_after if isinstance(fault, Overloaded) else 0) >= left:
                break
            # A venue's pause is waited for in the queue of those who may not send: cancels first.
            await asyncio.sleep(pause)
        if not wish.is_revoked:
            self._given_up(wish, fault)

    async def _may_follow(self, wish: Wish) -> bool:
        """Wait until it is known whether the order exists; then whether there is one to change."""
        # The one before may have placed it anew.
        known = wish.known = self._orders.own(wish.known.order_id) or wish.known
        while known.is_in_doubt and not known.is_over:
            await self._looking_up.settled(known)
        if wish.kind == CANCEL:  # what it waited for was not its own; one may always get out
            least = self._clock() + timedelta(seconds=self._pace.may_send / 2)
            wish.deadline = max(wish.deadline, least)
        if wish.is_revoked:
            return False
        if known.is_over:
            row = evolve(wish.row, outcome="not_sent", code="too_late")
            self._inbox.put(self._refused(wish, "too_late", "the order is over"), [row])
            return False
        return True

    async def _send(self, wish: Wish) -> Fault | None:
        """Send it once; ``None`` if it has its outcome, else why it has not left."""
        try:
            call = await self._call(wish)
        except ReadFailed as failed:
            return NotSent("exchange_unavailable", failed.message, headers_sent=False)
        if wish.is_revoked:
            return None
        if self._clock() >= wish.deadline:
            return NotSent(EXPIRED, "the time to send it was over", headers_sent=False)
        wish.is_sending = True
        wish.known.is_changing |= wish.kind == CHANGE
        wish.row = evolve(wish.row, sent_at=self._clock())
        try:
            answer = await self._client.write(call.method, *call.args, **_params(call))
        except (NotSent, Overloaded) as fault:
            return fault
        except Rejected as fault:
            await self._rejected(wish, fault)
        except OutcomeUnknown as fault:
            self._unknown(wish, fault)
        else:
            self._acknowledged(wish, answer)
        finally:
            wish.is_sending = False
        return None

    async def _call(self, wish: Wish) -> Call:
        """The request as it leaves. Raises ``ReadFailed``: which leg it is for is not known."""
        known = wish.known
        if wish.kind == PLACE:
            assert wish.call is not None, "a wish to place comes with its request"
            instrument = self._client.instruments[known.symbol]
            return with_legs(wish.call, instrument, await self._modes.legs(known.symbol))
        if wish.kind == CANCEL:
            wish.named_id = known.live_id
            return cancel_call(known)
        instrument = self._client.instruments[known.symbol]
        return change_call(known, instrument, wish.qty or known.qty, wish.price or known.price)

    def _acknowledged(self, wish: Wish, answer: Any) -> None:
        """The exchange took it: that it exists, not what became of it."""
        now, known = self._clock(), wish.known
        name = answer.get("id") or known.exchange_order_id
        if name is not None:
            self._orders.link(known, str(name))
        wish.row = evolve(wish.row, acked_at=now, outcome="acked", exchange_order_id=name)
        reports: list[Report] = []
        if wish.kind == PLACE and not known.is_accepted:
            accept(known, now)
            reports.append(about(known, ReportKind.ACCEPTED, Heard.REPLY, now))
        self._inbox.put(reports, [wish.row])
        if wish.kind == PLACE:
            self._heard_soon(known.symbol)
        else:
            kind = Doubt.CANCEL if wish.kind == CANCEL else Doubt.CHANGE
            self._ask(wish, kind, is_acked=True)

    async def _rejected(self, wish: Wish, fault: Rejected) -> None:
        now, known = self._clock(), wish.known
        if fault.code == MISMATCH:
            self._modes.forget()
        wish.row = evolve(wish.row, acked_at=now, outcome="rejected", code=fault.code)
        if wish.kind == PLACE:
            ended(known, now)
            self._inbox.put(self._refused(wish, fault.code, fault.message), [wish.row])
            return
        if fault.code == "order_not_found":
            # "Not open" is all that this says: what became of it is looked up first.
            self._inbox.put([], [wish.row])
            kind = Doubt.CANCEL if wish.kind == CANCEL else Doubt.CHANGE
            self._ask(wish, kind, is_acked=True, refusal=fault)
            return
        self._inbox.put(self._refused(wish, fault.code, fault.message), [wish.row])
        self._heard_soon(known.symbol)

    def _unknown(self, wish: Wish, fault: OutcomeUnknown) -> None:
        """Perhaps carried out: said so, and looked up."""
        now, known = self._clock(), wish.known
        wish.row = evolve(wish.row, outcome="unknown", code=fault.cause)
        report = about(
            known, ReportKind.UNKNOWN, Heard.REPLY, now, code=fault.code, message=fault.message
        )
        kind = {PLACE: Doubt.PLACE, CHANGE: Doubt.CHANGE, CANCEL: Doubt.CANCEL}[wish.kind]
        if kind is Doubt.PLACE and not known.is_accepted:
            known.is_in_doubt = True
        self._inbox.put([report], [wish.row])
        self._ask(wish, kind, is_acked=False)

    def _ask(
        self, wish: Wish, kind: Doubt, *, is_acked: bool, refusal: Rejected | None = None
    ) -> None:
        since = wish.row.sent_at or self._clock()
        self._looking_up.begin(
            Question(
                known=wish.known,
                kind=kind,
                since=since,
                is_acked=is_acked,
                wish=wish,
                refusal=refusal,
            )
        )

    def _given_up(self, wish: Wish, fault: Fault | None) -> None:
        """It has not left and will not."""
        now = self._clock()
        code = EXPIRED if fault is None else fault.code
        message = "the time to send it was over" if fault is None else fault.message
        wish.row = evolve(wish.row, sent_at=None, outcome="not_sent", code=code)
        if wish.kind == PLACE:
            ended(wish.known, now)
        self._inbox.put(self._refused(wish, code, message), [wish.row])

    def _refused(self, wish: Wish, code: str, message: str) -> list[Report]:
        return refused(wish, code, message, Heard.REPLY, self._clock())


def _params(call: Call) -> dict[str, Any]:
    return {"params": dict(call.params)} if call.params else {}
