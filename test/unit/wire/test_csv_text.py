"""CSV text: quoting, empty cells, numbers, and cells that a spreadsheet would run."""

import csv
import io

import pytest

from oms.wire.csv_text import csv_lines


def cell(value: object) -> str:
    """The cell of one value, as a reader of CSV gets it."""
    ((text,),) = csv.reader(io.StringIO(csv_lines([{"a": value}], ["a"])))
    return text


@pytest.mark.parametrize(
    "text",
    [
        *("=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\n=1", "\r=1", "-"),
        *("\uff1d1+1", "\uff0b1", "\uff0d1", "\uff20SUM(A1)"),
    ],
)
def test_text_that_begins_like_a_formula_is_guarded(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["-1.5", "-0.000000000000000001", "12", "0", "-3E-7"])
def test_numbers_stay_numbers(text: str) -> None:
    assert cell(text) == text


def test_commas_quotes_and_line_ends_stay_in_their_cell() -> None:
    text = 'a, "b"\r\nc'
    assert cell(text) == text


def test_other_values_are_written_as_json_and_null_is_empty() -> None:
    row = {"a": None, "b": True, "c": 7, "d": {"USDT": "-1"}, "e": -4}
    assert csv_lines([row], ["a", "b", "c", "d", "e", "f"]) == ',true,7,"{""USDT"":""-1""}",-4,\r\n'
