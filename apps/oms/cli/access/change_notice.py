"""Notices of changes that a command wrote to the database without a server.

Processes of a gateway read a change at once when they are notified, as the API notifies them.
"""

from typing import TYPE_CHECKING

from oms.domain.errors import Unavailable

if TYPE_CHECKING:
    from oms.adapters.sql.store import SqlStore
    from oms.config import Settings
    from oms.ports.notifier import Topic


async def announce_change(settings: "Settings", store: "SqlStore", topic: "Topic") -> None:
    """Notify the processes that cache what ``topic`` is about; it is stored already.

    Where they cannot be reached they read it again by themselves: it does not fail.
    """
    from oms import bootstrap
    from oms.services.access.change_notices import ChangeNotices

    try:
        notifier = await bootstrap.build_notifier(settings, store)
    except (OSError, Unavailable):
        return
    try:
        ChangeNotices(notifier=notifier, topic=topic).announce()
    finally:
        await notifier.close()
