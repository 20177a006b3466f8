"""Generates random tapes from a seed: trades and order books of BTC/USDT, in recorded columns.

Run alone, ``python test/kit/generators/tapes.py FOLDER`` writes them and prints their names.

The price is a mean-reverting random walk. The same seed gives the same files on every machine.
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
    """Writes trades and books (ten levels, twice a second); returns the two file names."""
    folder.mkdir(parents=True, exist_ok=True)
    trades, books = generate_tapes(seed, seconds)
    names = (f"trades_{seed}.csv.gz", f"book10_{seed}.csv.gz")
    for name, text in zip(names, (trades, books), strict=True):
        (folder / name).write_bytes(compress(text))
    return names


def compress(text: str) -> bytes:
    """Gzip without a timestamp."""
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as file:
        file.write(text.encode())
    return buffer.getvalue()


def generate_tapes(seed: int, seconds: int) -> tuple[str, str]:
    """The trades and the books as CSV text."""
    random_source = random.Random(seed)
    sides = [f"{side}{level}{field}" for side in "ba" for level in range(LEVELS) for field in "pq"]
    books, trades = [",".join(["ts", *sides])], ["local_ts,ts,id,price,qty,side"]
    start = mid = 6_180_000  # ticks
    for half in range(seconds * 2):
        mid += round(random_source.gauss(0, 700)) + (start - mid) // 400
        bid, ask = mid - random_source.randrange(1, 3), mid + random_source.randrange(1, 3)
        at = START_MS + half * 500
        bids = [
            _level(random_source, bid - level * random_source.randrange(1, 40))
            for level in range(LEVELS)
        ]
        asks = [
            _level(random_source, ask + level * random_source.randrange(1, 40))
            for level in range(LEVELS)
        ]
        bids.sort(key=lambda level: -level[0])
        asks.sort(key=lambda level: level[0])
        cells = [f"{_TICK * price},{qty}" for price, qty in (*bids, *asks)]
        books.append(",".join([str(at), *cells]))
        timestamps = sorted(
            at + random_source.randrange(1, 499) for _ in range(random_source.randrange(0, 8))
        )
        for timestamp in timestamps:
            side = random_source.choice(("buy", "sell"))
            price = _TICK * (ask if side == "buy" else bid)
            qty = Decimal(random_source.randrange(1, 40_000)).scaleb(-5)
            trades.append(f"{timestamp},{timestamp + 40},{len(trades)},{price},{qty},{side}")
    return "\n".join(trades) + "\n", "\n".join(books) + "\n"


def _level(random_source: random.Random, ticks: int) -> tuple[int, Decimal]:
    return ticks, Decimal(random_source.randrange(100, 400_000)).scaleb(-5)


if __name__ == "__main__":
    print(*write_tapes(Path(sys.argv[1])))
