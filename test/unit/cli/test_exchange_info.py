"""``oms exchange show``: the record, and unknown exchanges."""

import json
import subprocess
import sys

import pytest

from oms.cli.main import main


def test_the_record_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    main(["exchange", "show", "ccxtpro.bybit", "--environment", "testnet", "--json"])
    body = json.loads(capsys.readouterr().out)
    assert (body["exchange_id"], body["environment"]) == ("ccxtpro.bybit", "testnet")
    assert body["capabilities"]["hedge"] == {"value": "unified", "source": "table"}
    assert body["capabilities"]["trigger"]["source"] == "declared"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("foo.bybit", "unsupported_engine"),
        ("ccxt.kraken --environment testnet", "environment_not_supported"),
    ],
)
def test_unknown_exchange_is_an_error(
    line: str, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["exchange", "show", *line.split()])
    assert stopped.value.code == 2
    assert code in capsys.readouterr().err


def test_ccxt_is_not_needed() -> None:
    script = (
        "import sys; from oms.cli.main import main; main(['exchange', 'show', 'bybit']);"
        "sys.exit(9 if 'ccxt' in sys.modules else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
