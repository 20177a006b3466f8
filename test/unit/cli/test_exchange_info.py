"""``oms exchange show``: the record, and what is no exchange."""

import json
import subprocess
import sys

import pytest

from oms.cli.main import main


def test_the_record_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    main(["exchange", "show", "ccxtpro.bybit", "--environment", "testnet", "--json"])
    told = json.loads(capsys.readouterr().out)
    assert (told["exchange_id"], told["environment"]) == ("ccxtpro.bybit", "testnet")
    assert told["capabilities"]["hedge"] == {"value": "unified", "source": "table"}
    assert told["capabilities"]["trailing"]["source"] == "declared"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("foo.bybit", "unsupported_engine"),
        ("ccxt.kraken --environment testnet", "environment_not_supported"),
    ],
)
def test_what_is_not_there_is_named(
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
