"""The receipt of signals, their sources and their reads."""

import time

from oms.adapters.sql.store import SqlStore
from oms.api.signal_services import SignalServices
from oms.bootstrap.bots import build_account_symbols
from oms.config import Settings
from oms.ports.vault import Vault
from oms.services.access.administer import Administer
from oms.services.performance.value_accounts import ValueAccounts
from oms.services.queries.ledger_queries import LedgerQueries
from oms.services.signals.authenticate_source import AuthenticateSource
from oms.services.signals.receive_signal import ReceiveSignal
from oms.services.signals.signal_queries import SignalQueries
from oms.services.signals.source_admin import SignalSourceAdmin
from oms.services.signals.source_limits import SignalLimits
from oms.services.signals.source_refusals import RecordSourceRefusal
from oms.services.submission.submit import Submit


def build_signals(
    settings: Settings,
    store: SqlStore,
    submit: Submit,
    queries: LedgerQueries,
    administer: Administer,
    vault: Vault,
    value_accounts: ValueAccounts,
) -> SignalServices:
    """Return the services of the signal routes; ``vault`` opens the secrets of sources alone."""
    sources = store.signal_sources
    symbols = build_account_symbols(settings, store)
    return SignalServices(
        authenticate=AuthenticateSource(
            sources=sources,
            authenticate=administer.authenticate,
            vault=vault,
            clock=submit.clock,
        ),
        receive=ReceiveSignal(
            submit=submit,
            signals=store.signals,
            symbols=symbols,
            registry=store.registry,
            groups=store.account_groups,
            kill_switches=store.kill_switches,
            history=store.history,
            value_accounts=value_accounts,
        ),
        limits=SignalLimits(monotonic=time.monotonic),
        record_refusal=RecordSourceRefusal(sources=sources, clock=submit.clock),
        sources=SignalSourceAdmin(sources=sources, vault=vault, clock=submit.clock),
        queries=SignalQueries(signals=store.signals, reads=queries, history=store.history),
    )
