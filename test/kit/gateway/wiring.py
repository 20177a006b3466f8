"""The administration service over a store, built as an API process does."""

from oms.adapters.clock import SystemClock
from oms.adapters.sql.store import SqlStore
from oms.adapters.vault import AesVault, new_master_key
from oms.config import Settings
from oms.services.access.administer import Administer
from oms.services.access.authenticate import Authenticate
from oms.services.access.last_used import LastUsedRecorder
from oms.services.access.login import Login
from oms.services.access.passwords import Passwords
from oms.services.credentials.seal import SealCredentials

MASTER_KEY = new_master_key()


def build_admin_service(store: SqlStore, settings: Settings) -> Administer:
    """Builds the service with its real components on ``store``."""
    clock = SystemClock()
    last_use, passwords = LastUsedRecorder(credentials=store.login_credentials), Passwords()
    return Administer(
        people=store.user_admin,
        strategies=store.strategies,
        registry=store.registry,
        audit_log=store.audit_log,
        passwords=passwords,
        login=Login(credentials=store.login_credentials, passwords=passwords, clock=clock),
        authenticate=Authenticate(
            registry=store.registry,
            clock=clock,
            cache_seconds=settings.access_cache_seconds,
            on_authenticated=last_use,
        ),
        last_use=last_use,
        account_admin=store.account_admin,
        seal=SealCredentials(rows=store.sealed_credentials, sealer=AesVault(lambda: [MASTER_KEY])),
    )
