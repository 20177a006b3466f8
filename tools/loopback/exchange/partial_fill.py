"""The partial fill fault of a new order, as the engine takes it."""

from decimal import Decimal

from loopback.faults import Fault
from oms.simulation.transport import faults as engine_faults


def partial_fill(fault: Fault | None) -> engine_faults.Fault | None:
    """Returns the engine's fault for a ``partial`` fault; ``None`` for another one or none."""
    if fault is None or fault.mode != "partial":
        return None
    share = Decimal(fault.text("share", "0.5"))
    return engine_faults.Fault(kind=engine_faults.FaultKind.PARTIAL, amount=share)
