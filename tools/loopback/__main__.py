"""``python tools/loopback``: an exchange on 127.0.0.1 for unmodified ccxt, offline.

    python tools/loopback

18070 Bybit, 18071 Binance, 18072 OKX, 18443 TLS for all of them, 18079 control; ``--bybit-port 0``
and the like choose another port, 0 a free one.

The first line of output is JSON: the ports, the keys, and under ``extra_config`` the configuration
of a ccxt constructor (or an account's ``extra_config_json``). Keys: ``loop-a`` / ``secret-a``,
``loop-b`` / ``secret-b``, ``loop-c`` / ``secret-c``, ``loop-ro`` / ``secret-ro`` (reads the
account of ``loop-a``); at OKX with the passphrases ``pass-a`` and so on.

    exchange = ccxt.bybit({"apiKey": "loop-a", "secret": "secret-a"} | extra_config)
    exchange.set_sandbox_mode(True)           # the first call
    exchange.create_order("BTC/USDT:USDT", "limit", "buy", 0.01, 50000)

Prices are constant, with unlimited quantity, until ``--walk`` or the control port changes them:

    curl -s 127.0.0.1:18079/__ctl -d '{"op": "price", "symbol": "BTC/USDT:USDT", "price": "60000"}'
    curl -s 127.0.0.1:18079/__ctl -d '{"op": "fault", "match": "order/create", "mode": "hang"}'
    curl -s 127.0.0.1:18079/__ctl -d '{"op": "books"}'

Details: docs/how-to/loopback.md. A tool for tests and demos, not a part of the product.
"""

import sys
from pathlib import Path


def main() -> int:
    """Runs until SIGINT or SIGTERM; returns the exit status."""
    # Run as a folder, it has no package name: the folder above it becomes an import root.
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    from loopback.cli import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(main())
