"""The tasks of bots: one for each bot that needs a runner, under a lease of its own.

A bot that fails starts again after a pause, ``RESTARTS_MAX`` times; then it stays in ``error``
until it is started again. Its positions keep their levels, which the worker of the account watches.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from oms.domain.bots.bot import (
    HEARTBEAT_AGE_MAX,
    RESTARTS_MAX,
    Bot,
    BotReport,
    BotStatus,
    task_of_bot,
)
from oms.domain.bots.decision import BotEvent
from oms.domain.errors import LeaseLost, OmsError, Unavailable
from oms.domain.value import evolve
from oms.ports.research.strategy_process import StrategyFailed
from oms.runner.task_run import RunnerTask, TaskRun
from oms.services.bots.closed_candles import ROUND_SECONDS, ClosedCandles
from oms.services.bots.flatten_bot import FlattenBot
from oms.services.bots.run_bot import BotRun, BotServices

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 5.0
RESTART_SECONDS = (2.0, 10.0, 30.0)
"""Pauses before a bot that failed starts again."""
HEALTHY_SECONDS = 600.0
"""A bot that ran this long before it failed starts again as often as a new one."""
FLATTEN_AGAIN_SECONDS = 5.0
"""Pause before positions that are still open are closed again."""


@dataclass(slots=True, kw_only=True)
class BotTasks:
    """The bots that need a runner, as tasks."""

    services: BotServices
    flatten: FlattenBot
    closed: ClosedCandles
    restart_seconds: tuple[float, ...] = RESTART_SECONDS
    #: As they were read last.
    bots: Mapping[int, Bot] = field(default_factory=dict)
    _tasks: dict[int, "BotTask"] = field(default_factory=dict)

    async def tasks(self) -> Sequence[RunnerTask]:
        """Return the tasks that may be run now. Raises ``Unavailable``."""
        await self.refresh()
        self._tasks = {
            bot_id: self._tasks.get(bot_id) or BotTask(bot_id=bot_id, group=self)
            for bot_id in self.bots
        }
        return [*self._tasks.values()]

    async def refresh(self) -> None:
        """Read the bots again. Raises ``Unavailable``."""
        self.bots = {bot.id: bot for bot in await self.services.runs.active()}


@dataclass(slots=True, kw_only=True)
class BotTask:
    """``RunnerTask`` of one bot."""

    bot_id: int
    group: BotTasks
    _beat_at: float = float("-inf")

    @property
    def name(self) -> str:
        """The name of its lease."""
        return task_of_bot(self.bot_id)

    async def __call__(self, run: TaskRun) -> None:
        """Do what is wanted of the bot until the stop."""
        while not run.stop.is_set():
            await self.group.refresh()
            bot = self.group.bots.get(self.bot_id)
            if bot is None:  # The runner ends this task at its next round.
                run.show_progress()
                await run.pause(ROUND_SECONDS)
            elif not bot.desired.is_running:
                await self._stop(run, bot)
            else:
                await self._run(run, bot)

    async def _run(self, run: TaskRun, bot: Bot) -> None:
        """Run the bot until another thing is wanted of it, or it fails."""
        await self._note_gap(run, bot)
        began_at = run.monotonic()
        bot_run = BotRun(bot=bot, lease=run.lease, services=self.group.services)
        try:
            await bot_run.open(partial(self._beat, run), is_fresh=not bot.is_reported)
            bot = bot_run.bot = await self._report_start(run, bot, bot_run)
            self.group.closed.follow(bot.id, [*bot_run.series.values()])
            while self._is_wanted(run, bot):
                await bot_run.step(await self.group.closed.newest())
                await bot_run.follow_signals()
                await self._rest(run)
        except (LeaseLost, Unavailable):
            raise
        except Exception as error:  # the supervisor of a bot
            reason = _reason_of(error)
            is_own = not isinstance(error, OmsError)
            logger.error("bot_failed bot_id=%d reason=%s", bot.id, reason, exc_info=is_own)
            is_healthy = run.monotonic() - began_at > HEALTHY_SECONDS
            await self._fail(run, bot_run, reason, earlier=not is_healthy)
        finally:
            self.group.closed.forget(self.bot_id)
            await bot_run.close()

    async def _report_start(self, run: TaskRun, bot: Bot, bot_run: BotRun) -> Bot:
        """Report that the bot runs; returns it with the report."""
        now = self.group.services.clock.now()
        before = bot.report
        report = BotReport(
            desired_number=bot.desired.number,
            status=BotStatus.RUNNING,
            started_at=before.started_at if bot.is_reported else now,
            failures=before.failures if bot.is_reported else 0,
            decided=bot_run.decided,
        )
        await self._report(run, bot, report, "status")
        return evolve(bot, report=report)

    async def _note_gap(self, run: TaskRun, bot: Bot) -> None:
        """Record that no runner ran the bot for a while."""
        age = bot.heartbeat_age
        is_running = bot.is_reported and bot.report.status is BotStatus.RUNNING
        if not is_running or age is None or age <= HEARTBEAT_AGE_MAX:
            return
        text = f"there was no heartbeat for {age.total_seconds():.0f} seconds"
        event = await self._event(bot, "heartbeat_gap", text)
        now = self.group.services.clock.now()
        await self.group.services.runs.report(run.lease, bot, bot.report, now, [event])

    async def _fail(self, run: TaskRun, bot_run: BotRun, reason: str, *, earlier: bool) -> None:
        """Report a failure, and wait before the bot starts again, if it does.

        With ``earlier`` the failures before count.
        """
        bot = bot_run.bot
        failures = (bot.report.failures if bot.is_reported and earlier else 0) + 1
        is_final = failures > RESTARTS_MAX
        pauses = self.group.restart_seconds
        seconds = pauses[min(failures, len(pauses)) - 1]
        advice = "it stays stopped" if is_final else f"it starts again after {seconds:g} seconds"
        # A bot that has not started since it was wanted to begins with the newest candle.
        known = bot_run.decided or (bot.report.decided if bot.is_reported else {})
        report = evolve(
            bot.report,
            desired_number=bot.desired.number,
            status=BotStatus.ERROR,
            reason=f"{reason}; {advice}",
            failures=failures,
            started_at=bot.report.started_at or self.group.services.clock.now(),
            decided=known,
        )
        await self._report(run, bot, report, "failure")
        waited = run.monotonic()
        while self._is_wanted(run, bot) and (is_final or run.monotonic() - waited < seconds):
            await self._rest(run)

    async def _stop(self, run: TaskRun, bot: Bot) -> None:
        """Stop the bot: with its positions closed, if that is wanted."""
        if bot.closes_before_stop and not await self._close_positions(run, bot):
            return
        report = evolve(
            bot.report,
            desired_number=bot.desired.number,
            status=BotStatus.STOPPED,
            reason=None,
            stopped_at=self.group.services.clock.now(),
        )
        await self._report(run, bot, report, "status")
        while self._is_wanted(run, bot):
            await self._rest(run)

    async def _close_positions(self, run: TaskRun, bot: Bot) -> bool:
        """Close the positions of the bot; returns whether they are, before the stop."""
        flatten, attempt = self.group.flatten, 0
        bot_run = BotRun(bot=bot, lease=run.lease, services=self.group.services)
        await bot_run.count_undecided()
        while self._is_wanted(run, bot):
            # A signal that is executed later would open a position again.
            if not await bot_run.follow_signals():
                await self._rest(run)
                continue
            run.require_valid()
            ids = await flatten.send(bot, attempt)
            while self._is_wanted(run, bot) and not await flatten.has_ended(ids):
                await self._rest(run)
            if await flatten.is_flat(bot):
                return True
            if (refused := await flatten.refusal(ids)) is not None:
                await self._report_open(run, bot, *refused)
            waited = run.monotonic()
            while self._is_wanted(run, bot) and run.monotonic() - waited < FLATTEN_AGAIN_SECONDS:
                await self._rest(run)
            attempt += 1
        return False

    async def _report_open(self, run: TaskRun, bot: Bot, code: str, message: str) -> None:
        """Record why positions could not be closed; they are tried again."""
        event = await self._event(bot, "flatten", message)
        report = evolve(bot.report, reason=f"positions are not closed: {code}")
        now = self.group.services.clock.now()
        runs = self.group.services.runs
        await runs.report(run.lease, bot, report, now, [evolve(event, code=code)])

    async def _report(self, run: TaskRun, bot: Bot, report: BotReport, kind: str) -> None:
        text = report.status.value if report.reason is None else report.reason
        event = await self._event(bot, kind, text)
        now = self.group.services.clock.now()
        await self.group.services.runs.report(run.lease, bot, report, now, [event])
        logger.info("bot_reported bot_id=%d status=%s", bot.id, report.status.value)

    async def _event(self, bot: Bot, kind: str, message: str) -> BotEvent:
        services = self.group.services
        return BotEvent(
            id=await services.runs.new_event_ids(1),
            bot_id=bot.id,
            at=services.clock.now(),
            kind=kind,
            message=message,
        )

    def _is_wanted(self, run: TaskRun, bot: Bot) -> bool:
        """Return whether the desired state is still the one that is acted on."""
        current = self.group.bots.get(bot.id)
        is_same = current is not None and current.desired.number == bot.desired.number
        return is_same and not run.stop.is_set()

    async def _rest(self, run: TaskRun) -> None:
        """Wait for the next round, with a heartbeat when it is due."""
        await self._beat(run)
        await run.pause(ROUND_SECONDS)

    async def _beat(self, run: TaskRun) -> None:
        """Show that the bot is at work."""
        run.show_progress()
        if run.monotonic() - self._beat_at >= HEARTBEAT_SECONDS:
            self._beat_at = run.monotonic()
            await self.group.services.runs.heartbeat(run.lease, self.bot_id)


def _reason_of(error: Exception) -> str:
    """Return what is shown of a failure: its code and message, and where the code raised it."""
    if isinstance(error, StrategyFailed):
        return error.description
    if not isinstance(error, OmsError):
        return f"{type(error).__name__}: {error}"
    return f"{error.reason or error.code}: {error.message}"
