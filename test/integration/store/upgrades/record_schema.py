"""Records columns and indexes of the present schema as those of a release."""

import json
from pathlib import Path

from sqlalchemy import Boolean, Column, Date, Double, Integer

from oms.adapters.sql.connection.column_types import BigIntId, DecimalType, TimestampType
from oms.adapters.sql.maintenance.migration_runner import expected_version
from oms.adapters.sql.tables import METADATA


def _kind(column: Column[object]) -> str:
    if isinstance(column.type, TimestampType):
        return "time"
    if isinstance(column.type, Date):
        return "date"
    is_number = isinstance(column.type, Boolean | Integer | Double | DecimalType)
    return "number" if is_number or column.type is BigIntId else "text"


def main() -> None:
    """Write the file beside this one."""
    tables = {
        table.name: {
            "columns": {column.name: _kind(column) for column in table.columns},
            "indexes": sorted(str(index.name) for index in table.indexes),
        }
        for table in METADATA.sorted_tables
    }
    path = Path(__file__).parent / f"schema_{expected_version()}.json"
    content = {"version": expected_version(), "tables": tables}
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
