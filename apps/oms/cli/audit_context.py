"""The operating system's user as the author of changes."""

import getpass
import os
from datetime import UTC, datetime

from oms.ports.audit_log import AuditContext


def cli_audit_context(comment: str | None = None) -> AuditContext:
    """Return the audit context of the operating system's user, now."""
    return AuditContext(actor=f"cli:{_os_user()}", at=datetime.now(UTC), comment=comment)


def _os_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # users of containers may have no name
        return str(os.getuid())
