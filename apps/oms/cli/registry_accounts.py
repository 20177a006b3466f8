"""Accounts from command line flags."""

import argparse

from oms.cli.audit_context import cli_audit_context
from oms.cli.output import CommandFailed
from oms.domain.access import Grant
from oms.ports.admin.account_admin import CreatedAccount, NewAccount
from oms.services.access.administer import Administer

FULL_GRANT = Grant(
    can_trade=True,
    can_close_position=True,
    can_risk_manage=True,
    can_block_new_positions=True,
    can_block_account=True,
)


async def create_granted_account(
    administer: Administer, parsed: argparse.Namespace, user_id: int, grant: Grant
) -> CreatedAccount:
    """Create the account of the flags, granted to the user and all his keys."""
    exchange_id = parse_exchange_id(parsed.exchange_id)
    is_paper = exchange_id.startswith("paper.")
    account = NewAccount(
        exchange_id=exchange_id,
        label=parsed.label,
        position_mode=parsed.position_mode,
        environment="paper" if is_paper else "testnet" if parsed.testnet else "live",
        is_testnet=bool(parsed.testnet),
        extra_config=getattr(parsed, "extra_config", None) or "{}",
        risk_preset=getattr(parsed, "risk_preset", None),
    )
    created = await administer.create_account(account, cli_audit_context())
    await administer.grant(user_id, created.id, grant, cli_audit_context())
    return created


def parse_exchange_id(text: str) -> str:
    """Return ``<engine>.<venue>``; without an engine ``ccxt``. Raises ``CommandFailed``."""
    full = text if "." in text else f"ccxt.{text}"
    if full.partition(".")[0] not in ("paper", "ccxt", "ccxtpro"):
        raise CommandFailed(
            f"unsupported_engine: {text!r} is not paper.*, ccxt.* or ccxtpro.*", status=2
        )
    return full
