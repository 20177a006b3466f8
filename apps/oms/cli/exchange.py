"""``oms exchange show``: what an exchange can do, out of our own data; no server, no ccxt."""

import argparse
import sys
from typing import Any

from oms.adapters.capability_records import record_of
from oms.cli.output import Failed
from oms.domain.errors import Invalid


def show(parsed: argparse.Namespace) -> Any:
    """The record; with ``--json`` as the API tells it, else a row a field."""
    try:
        record = record_of(parsed.exchange_id, parsed.environment)
    except Invalid as wrong:
        raise Failed(f"{wrong.code}: {wrong.message}", status=2) from None
    if parsed.json or not sys.stdout.isatty():
        return record
    fields = [{"field": name, **told} for name, told in record["capabilities"].items()]
    return record | {"capabilities": fields}
