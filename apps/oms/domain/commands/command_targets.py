"""The rows that commands name by id: orders, positions and strategies.

Every id field of every payload is classified here, so that the permission check of API and worker
asks for the strategy of each row that a command names. A field that is not listed fails a test.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from operator import attrgetter

from oms.domain.commands.account_commands import (
    AdminMutate,
    CheckOrder,
    CreateAlert,
    DeleteAlert,
    EnforceKillSwitch,
    PaperDeposit,
    PaperPrice,
    PaperReset,
    ReadAlerts,
    ReadConnection,
    ReadRiskUsage,
    Reconcile,
    RefreshOrder,
    ResetDrawdown,
    ResolveUnknownOrder,
    RiskSwitch,
    SetRiskPolicy,
)
from oms.domain.commands.command import (
    BreakEven,
    CancelAllOrders,
    CancelOrder,
    CcxtCall,
    ChangeOrder,
    ChangePosition,
    CloseAllPositions,
    CloseBy,
    ClosePosition,
    CommandPayload,
    MergePositions,
    Reassign,
    ReversePosition,
    SendOrder,
)
from oms.domain.reconcile.discrepancy import DecideDiscrepancy
from oms.domain.risk.kill_switch import KillScope
from oms.domain.signals.signal import ExecuteSignal


class IdKind(Enum):
    """What an id field of a payload names."""

    ORDER = "order"
    #: A position; 0 names none.
    POSITION = "position"
    #: A strategy; 0 is the unattributed one, an empty list names none.
    STRATEGY = "strategy"
    #: A strategy; 0 leaves it to the rows that the command names, or means the whole account.
    STRATEGY_OR_DEFAULT = "strategy or default"
    #: What the scope of a kill switch says.
    SCOPE = "scope"
    #: A row of the account, which belongs to no strategy.
    ACCOUNT = "account"
    #: The signal that the command executes, its source or its bot.
    SIGNAL = "signal"
    #: A text chosen by the caller or the exchange, which selects no row of another order.
    TEXT = "text"


_SIGNAL_FIELDS = dict.fromkeys(("signal_id", "source_id", "bot_id"), IdKind.SIGNAL)

ID_FIELDS: Mapping[type[CommandPayload], Mapping[str, IdKind]] = {
    SendOrder: {
        "strategy_id": IdKind.STRATEGY,
        "position_id": IdKind.POSITION,
        "client_order_id": IdKind.TEXT,
        **_SIGNAL_FIELDS,
    },
    CancelOrder: {"order_ids": IdKind.ORDER},
    CancelAllOrders: {"strategy_ids": IdKind.STRATEGY},
    ChangeOrder: {"order_id": IdKind.ORDER},
    ClosePosition: {
        "position_id": IdKind.POSITION,
        "strategy_id": IdKind.STRATEGY_OR_DEFAULT,
        "client_order_id": IdKind.TEXT,
        **_SIGNAL_FIELDS,
    },
    CloseAllPositions: {"strategy_ids": IdKind.STRATEGY},
    CloseBy: {
        "position_id_a": IdKind.POSITION,
        "position_id_b": IdKind.POSITION,
        "strategy_id": IdKind.STRATEGY_OR_DEFAULT,
    },
    MergePositions: {
        "source_position_id": IdKind.POSITION,
        "target_position_id": IdKind.POSITION,
    },
    ChangePosition: {"position_id": IdKind.POSITION},
    BreakEven: {"position_id": IdKind.POSITION},
    ReversePosition: {"position_id": IdKind.POSITION},
    Reassign: {
        "order_ids": IdKind.ORDER,
        "strategy_id": IdKind.STRATEGY,
        "position_id": IdKind.POSITION,
    },
    RiskSwitch: {"strategy_id": IdKind.STRATEGY_OR_DEFAULT},
    SetRiskPolicy: {},
    ResetDrawdown: {},
    ReadRiskUsage: {},
    CheckOrder: {
        "strategy_ids": IdKind.STRATEGY,
        "position_ids": IdKind.POSITION,
        "order_ids": IdKind.ORDER,
    },
    CreateAlert: {},
    DeleteAlert: {"alert_id": IdKind.ACCOUNT},
    ReadAlerts: {},
    AdminMutate: {},  # Its rows are for the role admin, which no strategy list restricts.
    EnforceKillSwitch: {
        **dict.fromkeys(("kill_id", "deadman_id"), IdKind.ACCOUNT),
        "scope_id": IdKind.SCOPE,
    },
    Reconcile: {},
    RefreshOrder: {"order_id": IdKind.ORDER},
    # The worker refuses the exchange's id of another order of the ledger.
    ResolveUnknownOrder: {"order_id": IdKind.ORDER, "exchange_order_id": IdKind.TEXT},
    ReadConnection: {},
    DecideDiscrepancy: {"discrepancy_id": IdKind.ACCOUNT},
    PaperPrice: {},
    PaperDeposit: {},
    PaperReset: {},
    CcxtCall: {},
    ExecuteSignal: {"strategy_id": IdKind.STRATEGY, **_SIGNAL_FIELDS},
}
"""The kind of each id field, by payload type."""


_IdReader = Callable[[CommandPayload], tuple[int, ...]]


def _reader(names: Sequence[str]) -> _IdReader | None:
    """Return the function that reads the ids in these fields; ``None`` if there are none."""
    if not names:
        return None
    read = attrgetter(*names)

    def read_one(payload: CommandPayload) -> tuple[int, ...]:
        number = read(payload)
        return number if type(number) is tuple else (number,)

    def read_all(payload: CommandPayload) -> tuple[int, ...]:
        ids: tuple[int, ...] = ()
        for number in read(payload):
            ids += number if isinstance(number, tuple) else (number,)
        return ids

    return read_one if len(names) == 1 else read_all


def _readers(kind: IdKind) -> dict[type[CommandPayload], _IdReader | None]:
    return {
        payload_type: _reader([name for name, each in kinds.items() if each is kind])
        for payload_type, kinds in ID_FIELDS.items()
    }


_ORDER_IDS = _readers(IdKind.ORDER)
_POSITION_IDS = _readers(IdKind.POSITION)
_STRATEGY_IDS = _readers(IdKind.STRATEGY)
_DEFAULT_STRATEGY_IDS = _readers(IdKind.STRATEGY_OR_DEFAULT)


def target_order_ids(payload: CommandPayload) -> tuple[int, ...]:
    """Return the ids of the orders that a command names, in its order."""
    read = _ORDER_IDS[type(payload)]
    return () if read is None else read(payload)


def target_position_ids(payload: CommandPayload) -> tuple[int, ...]:
    """Return the ids of the positions that a command names, in its order."""
    read = _POSITION_IDS[type(payload)]
    named = () if read is None else read(payload)
    return named if 0 not in named else tuple(filter(None, named))


def target_strategy_ids(payload: CommandPayload) -> tuple[int, ...]:
    """Return the ids of the strategies that a command names itself, in its order."""
    payload_type = type(payload)
    read, read_default = _STRATEGY_IDS[payload_type], _DEFAULT_STRATEGY_IDS[payload_type]
    named = () if read is None else read(payload)
    if read_default is not None:
        named += tuple(filter(None, read_default(payload)))
    elif isinstance(payload, EnforceKillSwitch) and payload.scope == KillScope.STRATEGY.value:
        named += (int(payload.scope_id),)
    return named
