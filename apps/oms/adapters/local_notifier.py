"""A notifier within one process: the API and the worker of one event loop."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from oms.ports.notifier import Topic


@dataclass(slots=True)
class _Subscriber:
    """Pending notifications of a topic."""

    notified: asyncio.Event = field(default_factory=asyncio.Event)
    results: dict[int, str] = field(default_factory=dict)


class LocalNotifier:
    """Implements ``ports.notifier.Notifier`` for one listener per topic."""

    def __init__(self) -> None:
        self._subscribers: defaultdict[Topic, _Subscriber] = defaultdict(_Subscriber)

    def notify(
        self, topic: Topic, ids: Collection[int] = (), results: Mapping[int, str] | None = None
    ) -> None:
        """Wake the current or next ``wait`` of the topic."""
        subscriber = self._subscribers[topic]
        subscriber.results.update((each, (results or {}).get(each, "")) for each in ids)
        subscriber.notified.set()

    async def wait(self, topic: Topic, timeout_seconds: float) -> Mapping[int, str]:
        """Returns the results by id since the last call; empty after the timeout."""
        subscriber = self._subscribers[topic]
        try:
            # `wait_for` would lose a cancellation that arrives with the notification.
            async with asyncio.timeout(timeout_seconds):
                await subscriber.notified.wait()
        except TimeoutError:
            return {}
        subscriber.notified.clear()
        results, subscriber.results = subscriber.results, {}
        return results

    async def stop_listening(self) -> None:
        """Let all waits return now."""
        for subscriber in self._subscribers.values():
            subscriber.notified.set()

    async def close(self) -> None:
        """Let all waits return now."""
        await self.stop_listening()
