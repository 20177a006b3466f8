"""Pipelined execution: all statements are sent before the first response is read.

A server processes what it receives in order, so a batch costs one round trip instead of one per
statement. asyncmy has no public call for this; its private members are used in this module only,
and where they are missing the statements are executed one after the other. A COMMIT is never part
of a pipeline: the affected row counts must be known before it.
"""

import struct
from collections.abc import Sequence
from typing import Any

from oms.adapters.sql.connection.statement_batch import Statement

#: MariaDB's COM_STMT_BULK_EXECUTE, and the flag that parameter types follow.
_BULK_EXECUTE = 0xFA
_SEND_TYPES = 0x80


async def execute_pipelined(connection: Any, statements: Sequence[Statement]) -> bool:
    """Run the statements and read all responses; ``False`` if they cannot be pipelined.

    Raises the error of the first statement that failed, or ``StaleRowError``. With ``False``
    nothing was sent.
    """
    messages = await _build_messages(connection, statements)
    if messages is None:
        return False
    for message in messages:
        await connection._execute_command(_BULK_EXECUTE, message)
    first_error: Exception | None = None
    for statement in statements:
        connection._next_seq_id = 1  # packet numbers restart with each response
        try:
            await connection.next_result()
        except connection.Error as error:
            # The remaining responses must be read, or the next statement would receive them.
            first_error = first_error or error
        else:
            affected_rows = int(connection.affected_rows())
            first_error = first_error or statement.check_affected(affected_rows)
    if first_error is not None:
        raise first_error
    return True


async def _build_messages(connection: Any, statements: Sequence[Statement]) -> list[bytes] | None:
    """Return each prepared statement with its packed rows; ``None`` if one cannot be packed."""
    if not getattr(connection, "_bulk_supported", False) or not connection._stmt_cache_size:
        return None
    from asyncmy.protocol import pack_bulk_rows  # an optional driver

    messages = []
    for statement in statements:
        count = len(statement.rows[0])
        prepared = await connection._acquire_cached_statement(statement.text, count)
        packed = prepared and pack_bulk_rows(statement.rows, count, connection._encoding)
        if packed is None:
            return None
        head = struct.pack("<IH", prepared._statement_id, _SEND_TYPES)
        messages.append(head + b"".join(packed))
    return messages
