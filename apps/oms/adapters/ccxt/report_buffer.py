"""What the worker has not fetched yet: reports, changed attempt rows, charges, snapshots.

Rows that change with a report are returned after it: they are stored in its transaction or a later
one.
"""

from collections.abc import Callable, Sequence

from oms.domain.orders.execution_report import Charge, ExecutionReport
from oms.ports.exchange import AttemptRow, ExchangeSnapshot


class ReportBuffer:
    """Filled by the adapter's tasks and emptied by the worker, which ``on_update`` wakes.

    ``on_reports`` is called with the reports of each ``put``.
    """

    def __init__(
        self,
        on_update: Callable[[], None],
        on_reports: Callable[[Sequence[ExecutionReport]], None] = lambda _: None,
    ) -> None:
        self._on_update = on_update
        self._on_reports = on_reports
        #: Called when something was executed or paid.
        self.on_money: Callable[[], None] = _ignore
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
        charges: Sequence[Charge] = (),
    ) -> None:
        """Add reports with the rows and charges that belong to them."""
        if reports or rows or charges:
            self._on_reports(reports)
            self._reports.extend(reports)
            self._rows.extend(rows)
            self._charges.extend(charges)
            if charges or any(each.execution is not None for each in reports):
                self.on_money()
            self._on_update()

    def notify(self) -> None:
        """Wake the worker without adding anything."""
        self._on_update()

    def add_snapshot(self, snapshot: ExchangeSnapshot) -> None:
        """Add a snapshot."""
        self._snapshots.append(snapshot)
        self._on_update()

    def is_empty(self) -> bool:
        """Returns whether there is nothing to fetch."""
        return not (self._reports or self._rows or self._charges or self._snapshots)

    def take_reports(self) -> list[ExecutionReport]:
        """Returns the reports in their order; their rows and charges may be stored from now on."""
        taken, self._reports = self._reports, []
        for row in self._rows:
            self._rows_due[row.order_id, row.attempt, row.kind] = row
        self._charges_due.extend(self._charges)
        self._rows, self._charges = [], []
        return taken

    def take_rows(self) -> list[AttemptRow]:
        """Returns the rows that changed with fetched reports, each in its last version."""
        due, self._rows_due = self._rows_due, {}
        return list(due.values())

    def take_charges(self) -> list[Charge]:
        """Returns the charges that belong to fetched reports."""
        due, self._charges_due = self._charges_due, []
        return due

    def take_snapshots(self) -> list[ExchangeSnapshot]:
        """Returns the snapshots since the last call."""
        due, self._snapshots = self._snapshots, []
        return due


def _ignore() -> None:
    """Take no notice."""
