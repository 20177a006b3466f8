"""An in-process gateway whose worker serves one account at the loopback exchange by real ccxt."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kit.exchanges.ccxt_harness import FAST_TIMINGS, LINEAR, TAG
from kit.exchanges.loopback_process import LoopbackExchange
from kit.gateway.in_process import ADMIN_KEY, AUDIT, TRADER, InProcessGateway
from kit.http.asgi_client import AsgiClient
from kit.polling import poll_until
from oms.adapters.ccxt.client.venue_client import ClientSpec, VenueClient
from oms.adapters.ccxt.timings import Timings
from oms.adapters.ccxt.wiring import build_exchange
from oms.adapters.paper.paper_exchange import PaperExchange
from oms.domain.account import Engine
from oms.ports.exchange import Exchange, ExchangePorts
from oms.ports.ledger_store import LoadedAccount
from oms.wire.json import dumps, loads

TRADER_KEY = "oms_a-venue-trader-for-tests"


@dataclass
class ExchangeSetup:
    """The gateway, the exchange, and the account."""

    gateway: InProcessGateway
    venue: LoopbackExchange
    cache: Path
    timings: Timings = FAST_TIMINGS
    account_id: int = 0
    #: The exchange's keys of accounts, by the gateway's account id; of others it is ``loop-a``.
    keys: dict[int, str] = field(default_factory=dict)
    position_mode: str = "netting"
    exchange_id: str = "ccxt.bybit"
    #: The exchange's account id of the credentials, as recorded before.
    owner: str | None = None
    #: Replaces the factory of exchanges.
    connect: Callable[[LoadedAccount, Callable[[], None]], Exchange] | None = None
    client: AsgiClient = field(init=False)

    async def start_account(self, environment: str = "loopback", **extra: Any) -> "ExchangeSetup":
        """Create an account with ``extra`` config and a trader key, and start the worker."""
        self.account_id = await self.gateway.store.registry.create_account(
            exchange_id=self.exchange_id,
            label="loopback",
            position_mode=self.position_mode,
            environment=environment,
            is_testnet=environment not in ("live", "paper"),
            extra_config=dumps(extra or dict(self.venue.startup["extra_config"]["bybit"])),
            trader_name=None,
            now=datetime.now(UTC),
            audit=AUDIT,
        )
        await self.gateway.add_key("venue trader", TRADER_KEY, grants={self.account_id: TRADER})
        self.client = AsgiClient(self.gateway.app, TRADER_KEY)
        self.gateway.worker.processor.connect = self.connect or self._connect
        self.gateway.start_worker()
        return self

    async def restart_worker(self, *, live_allowed: bool) -> None:
        """Restart the worker with ``live_allowed`` as the gateway's live trading switch."""
        await self.gateway.stop_worker()
        self.gateway.worker.processor.states.clear()
        self.gateway.worker.processor.live_allowed = live_allowed
        self.gateway.start_worker()

    async def send(
        self, command: str = "send_order", wait_ms: int = 15_000, **payload: Any
    ) -> dict[str, Any]:
        """Sends a command, by default a resting limit buy; returns its result."""
        order = {"symbol": LINEAR, "side": "buy", "qty": "0.01", "order_type": "limit"}
        fields = (order | {"price": "10000"} | payload) if command == "send_order" else payload
        body = {"account_id": self.account_id, "command": command, "payload": fields}
        answer = await self.client("POST", f"/oms/commands?wait_ms={wait_ms}", body)
        response = answer.json()
        rows = response["results"] if "results" in response else response["detail"]["results"]
        row: dict[str, Any] = rows[0]
        return row

    async def order(self, order_id: int) -> dict[str, Any]:
        """The order row of the API."""
        fields = await self.client.get(f"/oms/orders/{order_id}")
        row: dict[str, Any] = fields["items"][0]
        return row

    async def wait_for_order(self, order_id: int, status: str) -> dict[str, Any]:
        """Waits until the order has the status; returns its row."""
        return await poll_until(
            lambda: self.order(order_id), lambda row: row["status"] == status, seconds=15
        )

    async def reconcile(self, **fields: Any) -> dict[str, Any]:
        """Reconciles the account, or the one that ``fields`` name; returns the row of the run."""
        body = {"account_id": self.account_id, **fields}
        answer = await self.client("POST", "/oms/reconcile", body)
        assert answer.status == 200, answer.body
        row: dict[str, Any] = answer.json()["results"][0]
        assert row["ok"], row
        return row

    async def discrepancies(self, status: str = "pending,open") -> list[dict[str, Any]]:
        """The discrepancies of this status; a new one is ``pending`` until it is confirmed."""
        fields = await self.client.get(f"/oms/discrepancies?status={status}")
        rows: list[dict[str, Any]] = fields["items"]
        return rows

    async def set_live_enabled(self, *, live_enabled: bool) -> None:
        """Set the account's live trading switch."""
        body = {"live_enabled": live_enabled, "comment": "a test"}
        admin = AsgiClient(self.gateway.app, ADMIN_KEY)
        answer = await admin("PATCH", f"/admin/accounts/{self.account_id}", body)
        assert answer.status == 200, answer.body

    def _connect(self, image: LoadedAccount, on_update: Callable[[], None]) -> ExchangePorts:
        account = image.account
        if account.engine is Engine.PAPER:
            paper = PaperExchange.restore(account, image.exchange_state)
            return ExchangePorts(trading=paper, calls=paper, paper=paper)
        key = self.keys.get(account.id, "loop-a")
        spec = ClientSpec(
            account_id=account.id,
            venue=account.venue,
            engine=account.engine.value,
            environment=account.environment.value,
            api_key=key,
            secret=self.venue.secret(key),
            passphrase=self.venue.passphrase(key),
            extra_config=loads(account.extra_config),
            owner=self.owner,
            cache_folder=self.cache,
        )
        exchange = build_exchange(
            account=account,
            make_client=lambda: VenueClient(spec),
            installation_tag=TAG,
            on_update=on_update,
            open_orders=image.orders,
            attempts=image.exchange_state.attempts,
            known_symbols=image.known_symbols(),
            timings=self.timings,
        )
        return ExchangePorts(trading=exchange, calls=exchange)
