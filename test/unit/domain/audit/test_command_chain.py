"""Digests of the command chain."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms.domain.command_chain import link_hash

FIELDS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.text(st.characters(codec="ascii")),
    st.binary(),
)


def _expected(fields: list[object]) -> str:
    """Return the SHA-256 of the JSON text, as Python's own encoder makes it."""
    text = json.dumps(fields, separators=(",", ":"), default=repr)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


@given(values=st.lists(FIELDS, min_size=5, max_size=5))
def test_digest_is_that_of_the_json_text(values: list[object]) -> None:
    assert link_hash(*values) == _expected(values)  # type: ignore[arg-type]


@pytest.mark.parametrize("stored", [float("inf"), 1e16, 2**70, "\x7f", "\ud800", "é", b"x"])
def test_values_after_tampering_have_digests_of_their_own(stored: object) -> None:
    values = ["a" * 64, 1, 2, stored, "b" * 64]
    assert link_hash(*values) == _expected(values)  # type: ignore[arg-type]
    assert link_hash(*values) != _expected(["a" * 64, 1, 2, None, "b" * 64])
