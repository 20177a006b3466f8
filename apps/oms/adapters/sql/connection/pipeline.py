"""Statements that travel abreast: all are sent before the first answer is awaited.

A server takes up what lies in the wire in its order, so a script costs one journey instead of one
for each statement. asyncmy itself sends a statement and waits; what is used of it beyond its public
face is named here and nowhere else, and where it lacks that, the statements go one after the other.
Never a COMMIT: what the statements met must be known before.
"""

import struct
from collections.abc import Sequence
from typing import Any

from oms.adapters.sql.connection.statement_batch import Statement

#: MariaDB's COM_STMT_BULK_EXECUTE, and the flag that the types of the values are told.
_BULK_EXECUTE = 0xFA
_TYPES_ARE_TOLD = 0x80


async def execute_pipelined(connection: Any, statements: Sequence[Statement]) -> bool:
    """Run the statements and hear all answers, or say that they cannot travel so.

    Raises what the first of them raised that did not end well, or ``Missed``.
    """
    messages = await _messages(connection, statements)
    if messages is None:
        return False
    for message in messages:
        await connection._execute_command(_BULK_EXECUTE, message)
    trouble: Exception | None = None
    for statement in statements:
        connection._next_seq_id = 1  # each answer counts its packets anew
        try:
            await connection.next_result()
        except connection.Error as error:
            # The next answers come all the same; who leaves them reads them as another's.
            trouble = trouble or error
        else:
            trouble = trouble or statement.missed(int(connection.affected_rows()))
    if trouble is not None:
        raise trouble
    return True


async def _messages(connection: Any, statements: Sequence[Statement]) -> list[bytes] | None:
    """Each statement, prepared, with its rows; ``None`` if one cannot be said so."""
    if not getattr(connection, "_bulk_supported", False) or not connection._stmt_cache_size:
        return None
    from asyncmy.protocol import pack_bulk_rows  # a driver that need not be installed

    messages = []
    for statement in statements:
        count = len(statement.rows[0])
        prepared = await connection._acquire_cached_statement(statement.text, count)
        packed = prepared and pack_bulk_rows(statement.rows, count, connection._encoding)
        if packed is None:
            return None
        head = struct.pack("<IH", prepared._statement_id, _TYPES_ARE_TOLD)
        messages.append(head + b"".join(packed))
    return messages
