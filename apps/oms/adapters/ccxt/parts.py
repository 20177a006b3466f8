"""The parts of one ``CcxtExchange``, put together once; which part does what is told by each."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from oms.adapters.ccxt.asking import Asking
from oms.adapters.ccxt.chores import Chores
from oms.adapters.ccxt.connection import Connection
from oms.adapters.ccxt.digest import Digest
from oms.adapters.ccxt.evidence import Evidence
from oms.adapters.ccxt.finding import Finder
from oms.adapters.ccxt.inbox import Inbox
from oms.adapters.ccxt.known import KnownOrders
from oms.adapters.ccxt.lanes import Gate, Lanes
from oms.adapters.ccxt.looking_up import LookingUp
from oms.adapters.ccxt.outcomes import Outcomes
from oms.adapters.ccxt.own_names import OwnNames
from oms.adapters.ccxt.pace import Pace
from oms.adapters.ccxt.polling import Polling
from oms.adapters.ccxt.position_modes import PositionModes
from oms.adapters.ccxt.reading import Reader
from oms.adapters.ccxt.replacing import Replacing
from oms.adapters.ccxt.replacing_told import ReplacingTold
from oms.adapters.ccxt.rules import rules_of
from oms.adapters.ccxt.sending import Sending
from oms.adapters.ccxt.settings import settings_of
from oms.adapters.ccxt.streams import Streams
from oms.adapters.ccxt.sweeping import Sweeping
from oms.adapters.ccxt.taking_down import TakingDown
from oms.adapters.ccxt.telling import Telling
from oms.adapters.ccxt.tickers import Tickers
from oms.adapters.ccxt.venue import Venue
from oms.adapters.ccxt.watching import Watching
from oms.adapters.ccxt.wishes import Wish
from oms.domain.account import Account, Engine
from oms.ports.exchange import ConnectionState


class Parts:
    """All of them; nothing runs yet."""

    def __init__(
        self,
        *,
        account: Account,
        make_client: Callable[[], Venue],
        tag: str,
        on_news: Callable[[], None],
        belongs: Callable[[int], Awaitable[bool]] | None,
        inflight_writes_max: int,
        pace: Pace,
        clock: Callable[[], datetime],
    ) -> None:
        self._account = account
        self._pace = pace
        self._clock = clock
        self.chores = Chores()
        self.inbox = Inbox(on_news, lambda reports: self.streams.overhear(reports))
        names = OwnNames(tag, are_cut=rules_of(account.venue).names_are_cut)
        self.orders = KnownOrders(names)
        self.connection = Connection(make_client, pace)
        self._rules = rules_of(account.venue)
        self.modes = PositionModes(
            client=self.connection, venue=account.venue, mode=account.position_mode
        )
        self._settings = settings_of(account)
        self._telling = Telling(self.orders, infers=self._settings.infers)
        self._finder = Finder(self.connection, account.venue, self._rules, clock)
        self.evidence = Evidence(account.venue)
        self._reader = Reader(
            self.connection, account.venue, self._rules, self._symbols, self.evidence
        )
        self.looking_up = self._asks()
        self._digest = self._digests(belongs)
        self.streams = self._streams()
        self.polling = self._polls()
        self.watching = self._watches()
        self.sweeping = self._sweeps()
        room = self._settings.inflight_writes_max or inflight_writes_max
        self.lanes = Lanes(self._carries(room).carry_out, self.chores)
        self.tickers = Tickers(self.connection, clock, pace)
        self.taking_down = TakingDown(
            orders=self.orders,
            lanes=self.lanes,
            inbox=self.inbox,
            venue=account.venue,
            rules=self._rules,
            pace=pace,
            settings=self._settings,
        )
        self.asking = self._looks()

    def connection_state(self) -> ConnectionState:
        """How the exchange is reached now."""
        return ConnectionState(
            engine=self._account.engine.value,
            environment=self._account.environment.value,
            hosts_called=self.connection.hosts_called,
            last_call_at=self.connection.last_call_at,
            stream=self.streams.state,
            last_event_at=self.streams.last_event_at,
            gaps=self.streams.gaps,
            reconciled_at=self.polling.all_read_at,
        )

    def _asks(self) -> LookingUp:
        return LookingUp(
            finder=self._finder,
            telling=self._telling,
            inbox=self.inbox,
            clock=self._clock,
            pace=self._pace,
            window=self._window,
            chores=self.chores,
            again=self._again,
            resend=self._resend,
        )

    def _digests(self, belongs: Callable[[int], Awaitable[bool]] | None) -> Digest:
        return Digest(
            orders=self.orders,
            telling=self._telling,
            finder=self._finder,
            reader=self._reader,
            rules=self._rules,
            window=self._window,
            belongs=belongs,
        )

    def _polls(self) -> Polling:
        return Polling(
            connection=self.connection,
            reader=self._reader,
            digest=self._digest,
            orders=self.orders,
            telling=self._telling,
            looking_up=self.looking_up,
            inbox=self.inbox,
            streams=self.streams,
            clock=self._clock,
            pace=self._pace,
        )

    def _streams(self) -> Streams:
        return Streams(
            is_wanted=self._account.engine is Engine.CCXTPRO,
            connection=self.connection,
            venue=self._account.venue,
            orders=self.orders,
            hear=lambda method, rows: self.watching.take(method, rows),
            read_soon=lambda: self.polling.read_soon(),
            clock=self._clock,
            pace=self._pace,
        )

    def _watches(self) -> Watching:
        return Watching(
            client=self.connection,
            venue=self._account.venue,
            parts=self._reader.parts,
            digest=self._digest,
            telling=self._telling,
            looking_up=self.looking_up,
            inbox=self.inbox,
            evidence=self.evidence,
            chores=self.chores,
            read_soon=self.polling.read_soon,
            clock=self._clock,
            pace=self._pace,
        )

    def _sweeps(self) -> Sweeping:
        return Sweeping(
            connection=self.connection,
            reader=self._reader,
            digest=self._digest,
            inbox=self.inbox,
            clock=self._clock,
            evidence=self.evidence,
            orders=self.orders,
        )

    def _looks(self) -> Asking:
        return Asking(
            orders=self.orders,
            finder=self._finder,
            telling=self._telling,
            inbox=self.inbox,
            taking_down=self.taking_down,
            clock=self._clock,
            pace=self._pace,
        )

    def _replaces(self, gate: Gate) -> Replacing:
        return Replacing(
            client=self.connection,
            modes=self.modes,
            orders=self.orders,
            finder=self._finder,
            told=ReplacingTold(
                orders=self.orders,
                telling=self._telling,
                inbox=self.inbox,
                clock=self._clock,
                pace=self._pace,
            ),
            sending=Sending(client=self.connection, gate=gate, clock=self._clock, pace=self._pace),
            anew=lambda *wished: self.taking_down.anew(*wished),
            clock=self._clock,
            pace=self._pace,
            window=self._window,
        )

    def _carries(self, room: int) -> Outcomes:
        gate = Gate(room)
        return Outcomes(
            client=self.connection,
            modes=self.modes,
            orders=self.orders,
            inbox=self.inbox,
            looking_up=self.looking_up,
            clock=self._clock,
            pace=self._pace,
            gate=gate,
            replacing=self._replaces(gate),
            heard_soon=self.polling.stir,
            first=self.streams.first,
        )

    def _again(self, wish: Wish) -> None:
        self.lanes.enter(wish)

    def _resend(self, wish: Wish) -> bool:
        """Once more, unless something else was wished of the order meanwhile."""
        if not self._settings.resends or self.lanes.of(wish.known.order_id):
            return False
        return self.taking_down.resend(wish, self._clock())

    def _window(self) -> float:
        """Seconds after a send in which it may still be carried out."""
        rules, pace = self._rules, self._pace
        seconds = pace.window if rules.expires_requests else pace.window_endless
        return seconds + self.connection.clock_error_ms / 1000

    def _symbols(self) -> list[str]:
        return [known.symbol for known in self.orders]
