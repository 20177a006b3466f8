"""``oms exchange show``: capabilities of an exchange from the package's data; needs no server."""

import argparse
import sys
from typing import Any

from oms.adapters.capability_records import capability_record
from oms.cli.output import CommandFailed
from oms.domain.errors import Invalid


def show(parsed: argparse.Namespace) -> Any:
    """Return the capability record; on a terminal one row per field, else as the API returns it."""
    try:
        record = capability_record(parsed.exchange_id, parsed.environment)
    except Invalid as error:
        raise CommandFailed(f"{error.code}: {error.message}", status=2) from None
    if parsed.json or not sys.stdout.isatty():
        return record
    fields = [{"field": name, **field} for name, field in record["capabilities"].items()]
    return record | {"capabilities": fields}
