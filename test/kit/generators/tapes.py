"""Tapes made by chance from a seed: trades and books of BTC/USDT, in the columns of recorded ones.

Run alone, ``python test/kit/generators/tapes.py FOLDER`` writes them and tells their names.

The price walks, is pulled back to where it began, and every few seconds somebody takes a level or
two; the same seed makes the same files on every machine.
"""

import gzip
import io
import random
import sys
from decimal import Decimal
from pathlib import Path

START_MS = 1_723_161_254_000
SYMBOL = "BTC/USDT"
LEVELS = 10
_TICK = Decimal("0.01")


def write_tapes(folder: Path, *, seed: int = 1, seconds: int = 300) -> tuple[str, str]:
    """Names of the two files written: trades and books (ten levels, twice a second)."""
    folder.mkdir(parents=True, exist_ok=True)
    trades, books = generate_tapes(seed, seconds)
    names = (f"trades_{seed}.csv.gz", f"book10_{seed}.csv.gz")
    for name, text in zip(names, (trades, books), strict=True):
        (folder / name).write_bytes(compress(text))
    return names


def compress(text: str) -> bytes:
    """Gzip without the time of packing."""
    held = io.BytesIO()
    with gzip.GzipFile(fileobj=held, mode="wb", mtime=0) as file:
        file.write(text.encode())
    return held.getvalue()


def generate_tapes(seed: int, seconds: int) -> tuple[str, str]:
    """The two tables as CSV text."""
    chance = random.Random(seed)
    sides = [f"{side}{level}{what}" for side in "ba" for level in range(LEVELS) for what in "pq"]
    books, trades = [",".join(["ts", *sides])], ["local_ts,ts,id,price,qty,side"]
    usual = middle = 6_180_000  # ticks
    for half in range(seconds * 2):
        middle += round(chance.gauss(0, 700)) + (usual - middle) // 400
        bid, ask = middle - chance.randrange(1, 3), middle + chance.randrange(1, 3)
        at = START_MS + half * 500
        bids = [_level(chance, bid - level * chance.randrange(1, 40)) for level in range(LEVELS)]
        asks = [_level(chance, ask + level * chance.randrange(1, 40)) for level in range(LEVELS)]
        bids.sort(key=lambda level: -level[0])
        asks.sort(key=lambda level: level[0])
        cells = [f"{_TICK * price},{qty}" for price, qty in (*bids, *asks)]
        books.append(",".join([str(at), *cells]))
        moments = sorted(at + chance.randrange(1, 499) for _ in range(chance.randrange(0, 8)))
        for moment in moments:
            side = chance.choice(("buy", "sell"))
            price = _TICK * (ask if side == "buy" else bid)
            qty = Decimal(chance.randrange(1, 40_000)).scaleb(-5)
            trades.append(f"{moment},{moment + 40},{len(trades)},{price},{qty},{side}")
    return "\n".join(trades) + "\n", "\n".join(books) + "\n"


def _level(chance: random.Random, ticks: int) -> tuple[int, Decimal]:
    return ticks, Decimal(chance.randrange(100, 400_000)).scaleb(-5)


if __name__ == "__main__":
    print(*write_tapes(Path(sys.argv[1])))
