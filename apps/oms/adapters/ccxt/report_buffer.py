"""What was heard and not told yet: reports, changed attempt rows, payments, snapshots.

Rows that change with a report leave after it: they are stored in its transaction or a later one.
"""

from collections.abc import Callable, Sequence

from oms.domain.orders.execution_report import Charge, ExecutionReport
from oms.ports.exchange import AttemptRow, ExchangeSnapshot


class ReportBuffer:
    """Filled by the adapter's tasks, emptied by the worker; ``on_update`` wakes it.

    ``on_reports`` is shown what is taken in, but for snapshots.
    """

    def __init__(
        self,
        on_update: Callable[[], None],
        on_reports: Callable[[Sequence[ExecutionReport]], None] = lambda _: None,
    ) -> None:
        self._on_update = on_update
        self._on_reports = on_reports
        self._reports: list[ExecutionReport] = []
        self._rows: list[AttemptRow] = []
        self._charges: list[Charge] = []
        self._snapshots: list[ExchangeSnapshot] = []
        self._rows_due: dict[tuple[int, int, str], AttemptRow] = {}
        self._charges_due: list[Charge] = []

    def put(
        self,
        reports: Sequence[ExecutionReport] = (),
        rows: Sequence[AttemptRow] = (),
        take_charges: Sequence[Charge] = (),
    ) -> None:
        """Take in what belongs together."""
        if reports or rows or take_charges:
            self._on_reports(reports)
            self._reports.extend(reports)
            self._rows.extend(rows)
            self._charges.extend(take_charges)
            self._on_update()

    def notify(self) -> None:
        """Wake the worker though nothing is told."""
        self._on_update()

    def add_snapshot(self, snapshot: ExchangeSnapshot) -> None:
        """Take in a whole snapshot."""
        self._snapshots.append(snapshot)
        self._on_update()

    def is_empty(self) -> bool:
        """Whether nobody waits to be told anything."""
        return not (self._reports or self._rows or self._charges or self._snapshots)

    def reports(self) -> list[ExecutionReport]:
        """The reports in the order heard; what belongs to them may be stored from now on."""
        told, self._reports = self._reports, []
        for row in self._rows:
            self._rows_due[row.order_id, row.attempt, row.kind] = row
        self._charges_due.extend(self._charges)
        self._rows, self._charges = [], []
        return told

    def rows(self) -> list[AttemptRow]:
        """Rows that changed with reports told, each in its last form."""
        due, self._rows_due = self._rows_due, {}
        return list(due.values())

    def take_charges(self) -> list[Charge]:
        """Payments told with reports told."""
        due, self._charges_due = self._charges_due, []
        return due

    def snapshots(self) -> list[ExchangeSnapshot]:
        """Snapshots since the last call."""
        due, self._snapshots = self._snapshots, []
        return due
