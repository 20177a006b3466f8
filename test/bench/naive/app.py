"""The naive reference: an order gateway as it is usually written, for comparison in the bench.

FastAPI and aiomysql, one transaction per step, one command at a time claimed by
`FOR UPDATE SKIP LOCKED`, polling every tenth of a second on both sides. It is not changed: it must
stay an ordinary design, neither optimized nor made worse, and shares no code with oms.

    python app.py api --port 8000        python app.py worker

Both read NAIVE_HOST, NAIVE_PORT, NAIVE_DATABASE (user root without a password) and NAIVE_API_KEY.
"""

import argparse
import asyncio
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Annotated, Any, Literal

import aiomysql
import uvicorn
from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from pydantic import BaseModel, Field

POLL_SECONDS = 0.1
WAIT_SECONDS = 10.0
PAPER_PRICE = Decimal("65000")
FEE_RATE = Decimal("0.0005")

SCHEMA = """
CREATE TABLE IF NOT EXISTS commands (id BIGINT AUTO_INCREMENT PRIMARY KEY, account_id BIGINT,
    request_id VARCHAR(128), payload TEXT, status VARCHAR(16), order_id BIGINT NULL,
    created_at DATETIME(6) DEFAULT NOW(6), finished_at DATETIME(6) NULL,
    UNIQUE (account_id, request_id), KEY (status, id));
CREATE TABLE IF NOT EXISTS orders (id BIGINT AUTO_INCREMENT PRIMARY KEY, command_id BIGINT,
    account_id BIGINT, symbol VARCHAR(64), side VARCHAR(8), qty DECIMAL(36,18),
    status VARCHAR(32), client_order_id VARCHAR(128) NULL, KEY (command_id), KEY (account_id));
CREATE TABLE IF NOT EXISTS deals (id BIGINT AUTO_INCREMENT PRIMARY KEY, order_id BIGINT,
    account_id BIGINT, symbol VARCHAR(64), side VARCHAR(8), qty DECIMAL(36,18),
    price DECIMAL(36,18), fee DECIMAL(36,18), KEY (order_id), KEY (account_id));
CREATE TABLE IF NOT EXISTS positions (account_id BIGINT, symbol VARCHAR(64),
    qty DECIMAL(36,18), PRIMARY KEY (account_id, symbol));
CREATE TABLE IF NOT EXISTS events (id BIGINT AUTO_INCREMENT PRIMARY KEY, account_id BIGINT,
    event_type VARCHAR(64), payload TEXT, KEY (account_id, id))
"""


class SendOrder(BaseModel):
    symbol: str = Field(min_length=1)
    side: Literal["buy", "sell"]
    order_type: Literal["market"]
    qty: Decimal = Field(gt=0)
    client_order_id: str | None = None


class Command(BaseModel):
    account_id: int
    request_id: str | None = None
    command: Literal["send_order"]
    payload: SendOrder


async def connect() -> aiomysql.Pool:
    pool = await aiomysql.create_pool(
        host=os.environ["NAIVE_HOST"],
        port=int(os.environ["NAIVE_PORT"]),
        db=os.environ["NAIVE_DATABASE"],
        user="root",
        autocommit=True,
        maxsize=20,
    )
    async with pool.acquire() as connection, connection.cursor() as cursor:
        for statement in SCHEMA.split(";"):
            await cursor.execute(statement)
    return pool


@asynccontextmanager
async def transaction(pool: aiomysql.Pool) -> AsyncIterator[aiomysql.Cursor]:
    async with pool.acquire() as connection, connection.cursor() as cursor:
        await connection.begin()
        try:
            yield cursor
        except BaseException:
            await connection.rollback()
            raise
        await connection.commit()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.pool = await connect()
    yield
    app.state.pool.close()
    await app.state.pool.wait_closed()


app = FastAPI(lifespan=lifespan)


def authenticated(x_api_key: Annotated[str | None, Header()] = None) -> None:
    if x_api_key != os.environ["NAIVE_API_KEY"]:
        raise HTTPException(status_code=401, detail="invalid_api_key")


@app.get("/healthz")
async def healthz() -> dict[str, bool]:
    return {"ok": True}


@app.post("/oms/commands", dependencies=[Depends(authenticated)])
async def send(
    body: Command | list[Command], request: Request, response: Response
) -> dict[str, Any]:
    pool, ids = request.app.state.pool, []
    async with transaction(pool) as cursor:
        for command in body if isinstance(body, list) else [body]:
            await cursor.execute(
                "INSERT INTO commands (account_id, request_id, payload, status)"
                " VALUES (%s, %s, %s, 'queued')",
                (command.account_id, command.request_id, command.payload.model_dump_json()),
            )
            ids.append(cursor.lastrowid)
    rows = await outcomes(pool, ids)
    response.status_code = 200 if all(row[1] == "done" for row in rows) else 202
    return {
        "results": [
            {"index": index, "ok": True, "command_id": row[0], "status": row[1], "order_id": row[2]}
            for index, row in enumerate(rows)
        ]
    }


async def outcomes(pool: aiomysql.Pool, ids: list[int]) -> list[tuple[int, str, int | None]]:
    deadline = time.monotonic() + WAIT_SECONDS
    marks = ", ".join(["%s"] * len(ids))
    query = f"SELECT id, status, order_id FROM commands WHERE id IN ({marks}) ORDER BY id"
    while True:
        async with pool.acquire() as connection, connection.cursor() as cursor:
            await cursor.execute(query, ids)
            rows = list(await cursor.fetchall())
        if all(row[1] == "done" for row in rows) or time.monotonic() > deadline:
            return rows
        await asyncio.sleep(POLL_SECONDS)


async def claim(pool: aiomysql.Pool) -> tuple[int, int, dict[str, Any]] | None:
    async with transaction(pool) as cursor:
        await cursor.execute(
            "SELECT id, account_id, payload FROM commands WHERE status = 'queued'"
            " ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
        )
        row = await cursor.fetchone()
        if row is None:
            return None
        await cursor.execute("UPDATE commands SET status = 'running' WHERE id = %s", row[0])
    return row[0], row[1], json.loads(row[2])


async def execute(pool: aiomysql.Pool, command_id: int, account_id: int, order: Any) -> None:
    symbol, side, qty = order["symbol"], order["side"], Decimal(order["qty"])
    async with transaction(pool) as cursor:
        await cursor.execute(
            "INSERT INTO orders (command_id, account_id, symbol, side, qty, status,"
            " client_order_id) VALUES (%s, %s, %s, %s, %s, 'SUBMITTED', %s)",
            (command_id, account_id, symbol, side, qty, order["client_order_id"]),
        )
        order_id = cursor.lastrowid
    async with transaction(pool) as cursor:
        await cursor.execute(
            "INSERT INTO deals (order_id, account_id, symbol, side, qty, price, fee)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            (order_id, account_id, symbol, side, qty, PAPER_PRICE, qty * PAPER_PRICE * FEE_RATE),
        )
        await cursor.execute(
            "INSERT INTO positions (account_id, symbol, qty) VALUES (%s, %s, %s)"
            " ON DUPLICATE KEY UPDATE qty = qty + VALUES(qty)",
            (account_id, symbol, qty if side == "buy" else -qty),
        )
        await cursor.execute("UPDATE orders SET status = 'FILLED' WHERE id = %s", order_id)
    async with transaction(pool) as cursor:
        for event in ("order_updated", "deal_updated", "position_updated"):
            await cursor.execute(
                "INSERT INTO events (account_id, event_type, payload) VALUES (%s, %s, %s)",
                (account_id, event, json.dumps({"order_id": order_id, **order})),
            )
    async with transaction(pool) as cursor:
        await cursor.execute(
            "UPDATE commands SET status = 'done', order_id = %s, finished_at = NOW(6)"
            " WHERE id = %s",
            (order_id, command_id),
        )


async def work() -> None:
    pool = await connect()
    while True:
        claimed = await claim(pool)
        if claimed is None:
            await asyncio.sleep(POLL_SECONDS)
        else:
            await execute(pool, *claimed)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=["api", "worker"])
    parser.add_argument("--port", type=int, default=8000)
    arguments = parser.parse_args()
    if arguments.role == "api":
        uvicorn.run(app, host="127.0.0.1", port=arguments.port, log_level="warning")
    else:
        asyncio.run(work())


if __name__ == "__main__":
    main()
