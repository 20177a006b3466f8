"""The desk of users and keys over a store, as an API process has it; and how tests use it."""

from oms.adapters.clock import SystemClock
from oms.adapters.sql.store import SqlStore
from oms.adapters.vault import AesVault, new_master_key
from oms.config import Settings
from oms.services.administer import Administer
from oms.services.authenticate import Authenticate
from oms.services.last_use import LastUse
from oms.services.login import Login
from oms.services.passwords import Passwords
from oms.services.seal import Seal

MASTER_KEY = new_master_key()


def an_administer(store: SqlStore, settings: Settings) -> Administer:
    """The real parts on the store."""
    clock = SystemClock()
    last_use, passwords = LastUse(credentials=store.credentials), Passwords()
    return Administer(
        people=store.people,
        strategies=store.strategies,
        registry=store.registry,
        audit_log=store.audit_log,
        passwords=passwords,
        login=Login(credentials=store.credentials, passwords=passwords, clock=clock),
        authenticate=Authenticate(
            registry=store.registry,
            clock=clock,
            cache_seconds=settings.access_cache_seconds,
            noted=last_use,
        ),
        last_use=last_use,
        account_desk=store.account_desk,
        seal=Seal(rows=store.sealed, sealer=AesVault(lambda: [MASTER_KEY])),
    )
