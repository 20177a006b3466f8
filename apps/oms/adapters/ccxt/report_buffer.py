"""What was heard and not taken yet: reports, changed attempt rows, payments, snapshots.

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
        """Wake the worker though nothing is taken."""
        self._on_update()

    def add_snapshot(self, snapshot: ExchangeSnapshot) -> None:
        """Take in a whole snapshot."""
        self._snapshots.append(snapshot)
        self._on_update()

    def is_empty(self) -> bool:
        """Whether nobody waits to be taken anything."""
        return not (self._reports or self._rows or self._charges or self._snapshots)

    def take_reports(self) -> list[ExecutionReport]:
        """The reports in the order heard; what belongs to them may be stored from now on."""
        taken, self._reports = self._reports, []
        for row in self._rows:
            self._rows_due[row.order_id, row.attempt, row.kind] = row
        self._charges_due.extend(self._charges)
        self._rows, self._charges = [], []
        return taken

    def take_rows(self) -> list[AttemptRow]:
        """Rows that changed with reports taken, each in its last form."""
        due, self._rows_due = self._rows_due, {}
        return list(due.values())

    def take_charges(self) -> list[Charge]:
        """Payments taken with reports taken."""
        due, self._charges_due = self._charges_due, []
        return due

    def take_snapshots(self) -> list[ExchangeSnapshot]:
        """Snapshots since the last call."""
        due, self._snapshots = self._snapshots, []
        return due
