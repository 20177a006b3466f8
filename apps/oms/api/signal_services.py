"""The services of the signal routes, built once by ``bootstrap``."""

from dataclasses import dataclass

from oms.services.signals.authenticate_source import AuthenticateSource
from oms.services.signals.receive_signal import ReceiveSignal
from oms.services.signals.signal_queries import SignalQueries
from oms.services.signals.source_admin import SignalSourceAdmin
from oms.services.signals.source_limits import SignalLimits
from oms.services.signals.source_refusals import RecordSourceRefusal


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalServices:
    """Receipt of signals, their sources, and reads."""

    authenticate: AuthenticateSource
    receive: ReceiveSignal
    limits: SignalLimits
    record_refusal: RecordSourceRefusal
    sources: SignalSourceAdmin
    queries: SignalQueries
