"""A doorbell within one process, for tests without a second process."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from oms.ports.notifier import Topic


@dataclass(slots=True)
class _Ear:
    """What was rung about a topic and not heard yet."""

    rung: asyncio.Event = field(default_factory=asyncio.Event)
    ids: dict[int, str] = field(default_factory=dict)


class LocalNotifier:
    """``ports.wakeup.Doorbell`` for one listener a topic."""

    def __init__(self) -> None:
        self._ears: defaultdict[Topic, _Ear] = defaultdict(_Ear)

    def notify(
        self, topic: Topic, ids: Collection[int] = (), results: Mapping[int, str] | None = None
    ) -> None:
        """Wake who listens, or is about to."""
        ear = self._ears[topic]
        ear.ids.update((one, (results or {}).get(one, "")) for one in ids)
        ear.rung.set()

    async def wait(self, topic: Topic, timeout_seconds: float) -> Mapping[int, str]:
        """The ids rung since the last call."""
        ear = self._ears[topic]
        try:
            # `wait_for` would lose a cancellation that comes with the ring.
            async with asyncio.timeout(timeout_seconds):
                await ear.rung.wait()
        except TimeoutError:
            return {}
        ear.rung.clear()
        ids, ear.ids = ear.ids, {}
        return ids

    async def close(self) -> None:
        """Whoever waits returns now."""
        for ear in self._ears.values():
            ear.rung.set()
