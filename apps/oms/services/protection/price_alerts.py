"""Commands on price alerts: create, delete, list; executed by the account's worker."""

from datetime import datetime, timedelta

from oms.domain.commands.account_commands import CreateAlert, DeleteAlert
from oms.domain.commands.command import Command, CommandResult, CommandStatus
from oms.domain.errors import Refused
from oms.domain.protection.price_alerts import ALERTS_MAX, SYMBOLS_MAX, PriceAlert, with_side
from oms.domain.risk.admission import refuse_unknown_symbol
from oms.services.account_state.state import AccountState
from oms.services.protection.watch_alerts import fresh_price, put_alert, remove_alert
from oms.wire.json import dumps
from oms.wire.responses.alert_rows import alert_row


def create_alert(
    state: AccountState,
    command: Command,
    payload: CreateAlert,
    now: datetime,
    price_age: timedelta,
) -> CommandResult:
    """Add an alert; of ``crosses`` the side of the price is noted if one is known."""
    instruments = state.exchange.instruments()
    if payload.symbol not in instruments:
        exchange_id = state.account.exchange_id
        return CommandResult.refused(
            refuse_unknown_symbol(payload.symbol, instruments, exchange_id)
        )
    if (refused := _refuse_surplus(state, payload.symbol)) is not None:
        return CommandResult.refused(refused)
    alert = PriceAlert(
        id=command.id,
        symbol=payload.symbol,
        condition=payload.condition,
        price=payload.price,
        note=payload.note,
        user_id=command.actor.user_id,
        created_at=now,
    )
    price = fresh_price(state, alert.symbol, now, price_age)
    put_alert(state, alert if price is None else with_side(alert, price))
    return _done(alert_row(state.account.id, state.alerts[alert.id]))


def delete_alert(state: AccountState, payload: DeleteAlert) -> CommandResult:
    """Delete an alert that has not fired; refused with ``not_found`` if there is none."""
    if payload.alert_id not in state.alerts:
        message = f"account {state.account.id} has no price alert {payload.alert_id}"
        return CommandResult.refused(Refused(code="not_found", message=message))
    remove_alert(state, payload.alert_id)
    return _done({"alert_id": payload.alert_id})


def list_alerts(state: AccountState) -> CommandResult:
    """Return the alerts that have not fired, the oldest first."""
    alerts = sorted(state.alerts.values(), key=lambda alert: alert.id)
    return _done({"items": [alert_row(state.account.id, alert) for alert in alerts]})


def _refuse_surplus(state: AccountState, symbol: str) -> Refused | None:
    """Return the refusal of one more alert, if the account has as many as it may have."""
    symbols = {alert.symbol for alert in state.alerts.values()}
    if len(state.alerts) >= ALERTS_MAX:
        has = f"{ALERTS_MAX} price alerts"
    elif symbol not in symbols and len(symbols) >= SYMBOLS_MAX:
        has = f"price alerts of {SYMBOLS_MAX} symbols"
    else:
        return None
    message = f"account {state.account.id} has {has}; delete some first"
    return Refused(code="validation_error", reason="too_many_alerts", message=message)


def _done(outcome: object) -> CommandResult:
    return CommandResult(status=CommandStatus.DONE, value=dumps(outcome))
