"""Place a pair of orders of which one cancels the other.

A paper exchange takes both in one request and links them. Elsewhere they are two orders of the
gateway, stored with their requests in one transaction before either is sent; what follows from
their reports is in ``watch_pairs``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from oms.domain.commands.command import Command, CommandResult, SendOrder
from oms.domain.errors import Invalid, Refused
from oms.domain.orders.execution_report import ExecutionReport, ReportKind
from oms.domain.orders.order import Order
from oms.domain.orders.order_pair import split_pair
from oms.domain.orders.order_types import OCO_PARAM
from oms.domain.risk.admission import ApprovedOrder
from oms.domain.risk.judgement import Judgement, order_risk
from oms.domain.value import evolve
from oms.services.account_state.state import AccountState
from oms.services.commands.admission_events import admission_events
from oms.services.commands.place_order import (
    PlaceOrder,
    place_result,
    refusal_report,
    request_fingerprint,
    within_notional_limits,
)
from oms.services.ledger.record import Changes
from oms.services.risk.admit_order import admit_request, rounded_request


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacePair:
    """Turns a ``SendOrder`` whose params name a stop into a pair of orders at the exchange."""

    place: PlaceOrder

    async def __call__(
        self, state: AccountState, command: Command, changes: Changes, now: datetime
    ) -> CommandResult:
        """Place both orders, or none if one is refused; the result lists their ids."""
        requested = command.payload
        assert isinstance(requested, SendOrder), "only this command makes pairs"
        if requested.client_order_id is not None:
            fingerprint = request_fingerprint(state.account.id, requested)
            duplicate = await self.place.find_duplicate(
                state, requested.client_order_id, fingerprint
            )
            if duplicate is not None:
                return duplicate
        requests, verdicts = await self._admit(state, command, requested, now)
        orders: list[Order] = []
        for request, verdict in zip(requests, verdicts, strict=True):
            order = await self._new_order(state, command, request, verdict, orders, now)
            one = evolve(command, payload=request)
            changes.orders[order.id] = order
            changes.events.extend(admission_events(order, one, verdict))
            orders.append(order)
        first, verdict = orders[0], verdicts[0]
        if isinstance(verdict, Refused):
            await self.place.record(state, [refusal_report(first, verdict, now)], changes)
            return place_result(changes.orders[first.id], verdict)
        state.has_pairs = True
        await self.place.record(state, await _send(state, orders, now), changes)
        in_group = [o.id for o in changes.orders.values() if o.group_id == first.id]
        result = place_result(changes.orders[first.id], verdict)
        return evolve(result, order_ids=tuple(sorted(in_group)))

    async def _admit(
        self, state: AccountState, command: Command, requested: SendOrder, now: datetime
    ) -> tuple[Sequence[SendOrder], Sequence[ApprovedOrder | Refused]]:
        """Return the orders to place with their verdicts; of a refused pair one, refused."""
        try:
            parts = (requested,) if state.paper is not None else split_pair(requested)
        except Invalid as error:
            return [requested], [Refused(code=error.code, message=error.message)]
        requests: list[SendOrder] = []
        verdicts: list[ApprovedOrder | Refused] = []
        key, limits = command.actor.api_key_id, self.place.notional_limits
        for part in parts:
            request = rounded_request(state, part, now)
            assert isinstance(request, SendOrder), "rounding keeps the kind of request"
            judgement = None
            if self.place.find_repeated is not None and state.policy is not None:
                repeated = await self.place.find_repeated(state, command, part, now)
                judgement = Judgement(repeated=repeated)
            verdict = await admit_request(state, request, key, now, judgement)
            if limits is not None and limits.has_limits(key):
                verdict = await within_notional_limits(
                    limits, state, command, request, verdict, now
                )
            requests.append(request)
            verdicts.append(verdict)
        refused = next((each for each in verdicts if isinstance(each, Refused)), None)
        return (requests, verdicts) if refused is None else (requests[:1], [refused])

    async def _new_order(
        self,
        state: AccountState,
        command: Command,
        request: SendOrder,
        verdict: ApprovedOrder | Refused,
        before: Sequence[Order],
        now: datetime,
    ) -> Order:
        """Create the row of one order; the id of the first one names the pair."""
        requested = command.payload
        assert isinstance(requested, SendOrder), "only this command makes pairs"
        fingerprint = request_fingerprint(state.account.id, requested)
        one = evolve(command, payload=request)
        risk = order_risk(state.policy, verdict, None)
        order = await self.place.new_order(state, one, verdict, request, fingerprint, now, risk)
        if isinstance(verdict, Refused):
            return order
        params = {OCO_PARAM: True, **request.params}
        order = evolve(order, group_id=before[0].id if before else order.id, params=params)
        state.put_order(order, is_new=True)
        return order


async def _send(
    state: AccountState, orders: Sequence[Order], now: datetime
) -> Sequence[ExecutionReport]:
    """Hand the orders to the exchange, the stop first; what one is refused for, both are."""
    if len(orders) == 1:
        return await state.exchange.place(orders[0], now)
    limit, stop = orders
    reports = [*await state.exchange.place(stop, now)]
    if refusal := _refusal(reports):
        return [*reports, evolve(refusal, order_id=limit.id)]
    reports += await state.exchange.place(limit, now)
    if _refusal(reports):
        reports += await state.exchange.cancel(stop, now)
    return reports


def _refusal(reports: Sequence[ExecutionReport]) -> ExecutionReport | None:
    return next((each for each in reports if each.kind is ReportKind.REFUSED), None)
