"""The interface is that of the MetaTrader5 package: constants, fields, arrays, functions."""

import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np

import mt5_driver as mt5
from mt5_driver.structures import RATES_DTYPE, TICKS_DTYPE

ANCHORS = Path(__file__).parents[2] / "anchors"
#: What the compiled module has besides the functions of the published documentation.
FUNCTIONS = 32


def read_anchor(name: str) -> dict[str, list[str]]:
    lines = (ANCHORS / name).read_text(encoding="utf-8").splitlines()
    rows = [line.split() for line in lines if not line.startswith("#")]
    return {words[0]: words[1:] for words in rows}


STRUCTURES = read_anchor("mt5_structures.txt")


def test_constants_have_the_names_and_values_of_the_package() -> None:
    expected = {name: int(value) for name, (value,) in read_anchor("mt5_constants.txt").items()}
    assert len(expected) == 223
    assert {name: getattr(mt5, name, None) for name in expected} == expected
    shown = {name for name in vars(mt5) if name.isupper() and not name.startswith("_")}
    assert shown == set(expected)


def test_named_tuples_have_the_fields_of_the_package() -> None:
    kinds = {name: fields for name, fields in STRUCTURES.items() if name[0].isupper()}
    assert len(kinds) == 11
    assert {name: list(getattr(mt5, name)._fields) for name in kinds} == kinds


def test_arrays_have_the_fields_of_the_package() -> None:
    for dtype, name in ((RATES_DTYPE, "rates"), (TICKS_DTYPE, "ticks")):
        fields = [field.split(":") for field in STRUCTURES[name]]
        assert dtype == np.dtype([(field, f"<{kind}") for field, kind in fields])


def test_functions_are_those_of_the_package() -> None:
    assert len(STRUCTURES["functions"]) == FUNCTIONS
    for name in (*STRUCTURES["functions"], "Buy", "Sell", "Close"):
        assert inspect.isroutine(getattr(mt5, name))
        assert inspect.getdoc(getattr(mt5, name))


def test_a_call_without_a_connection_fails_without_an_exception() -> None:
    mt5.shutdown()
    calls = {name: getattr(mt5, name) for name in STRUCTURES["functions"]}
    for name in ("initialize", "shutdown", "last_error", "login"):
        del calls[name]
    for name, call in calls.items():
        given = [None] * len(inspect.signature(call).parameters)
        keywords = inspect.signature(call).parameters.values()
        positional = [each for each in keywords if each.kind is not each.KEYWORD_ONLY]
        assert not call(*given[: len(positional)]), name
        assert mt5.last_error() == (-10004, "No IPC connection"), name


def test_wrong_arguments_are_an_error_and_no_exception() -> None:
    for call in (mt5.symbol_info, mt5.order_send, mt5.copy_rates_from_pos):
        assert call() is None
        assert mt5.last_error() == (-2, "Invalid arguments")
    assert mt5.positions_get("EURUSD") is None  # type: ignore[call-arg]
    assert mt5.last_error()[0] == -2
    assert mt5.initialize(login="me") is False
    assert mt5.last_error() == (-2, 'Invalid "login" argument')


def test_the_driver_imports_neither_ccxt_nor_the_gateway() -> None:
    code = "import sys, mt5_driver; print({'ccxt', 'oms', 'websockets'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
