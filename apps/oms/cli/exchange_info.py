"""``oms exchange show``: what an exchange can do, out of our own data; no server, no ccxt."""

import argparse
import sys
from typing import Any

from oms.adapters.capability_records import capability_record
from oms.cli.output import CommandFailed
from oms.domain.errors import Invalid


def show(parsed: argparse.Namespace) -> Any:
    """The record; with ``--json`` as the API tells it, else a row a field."""
    try:
        record = capability_record(parsed.exchange_id, parsed.environment)
    except Invalid as wrong:
        raise CommandFailed(f"{wrong.code}: {wrong.message}", status=2) from None
    if parsed.json or not sys.stdout.isatty():
        return record
    fields = [{"field": name, **told} for name, told in record["capabilities"].items()]
    return record | {"capabilities": fields}
