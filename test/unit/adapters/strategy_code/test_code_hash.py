"""Hashes of the code of strategies."""

import pytest

from oms.adapters.strategy_code.code_hash import hash_built_in, hash_source
from oms.strategies.catalog import CATALOG

RULE = '''
"""A rule."""

class Rule:
    """Buys."""

    def on_bar(self, bars, side):
        """Decide."""
        return [] if bars.base.close > 3 else None  # nothing
'''
PLAIN = """
class Rule:
    def on_bar(self, bars, side):
        return ([] if bars.base.close > 3
                else None)
"""

#: A strategy whose code has changed needs a new version here and in the catalogue: bots and runs
#: that have pinned the old one refuse to start, and say why.
BUILT_IN = {
    ("hma_sma", "1"): "100bd15f",
    ("sma_cross", "1"): "16e5cbef",
    ("rsi", "1"): "612e1ffa",
}


def test_comments_docstrings_and_layout_do_not_count() -> None:
    assert hash_source([RULE]) == hash_source([PLAIN])


@pytest.mark.parametrize(("old", "new"), [("> 3", "> 4"), ("> 3", ">= 3"), ("[]", "[1]")])
def test_each_change_of_the_rule_counts(old: str, new: str) -> None:
    assert hash_source([RULE]) != hash_source([RULE.replace(old, new)])


def test_texts_are_separated() -> None:
    assert hash_source(["a = 1\nb = 2"]) != hash_source(["a = 1", "b = 2"])


def test_a_class_of_a_docstring_alone_has_a_hash() -> None:
    assert hash_source(['class A:\n    """A."""']) == hash_source(["class A:\n    pass"])


def test_built_in_strategies_change_their_code_with_their_version_only() -> None:
    hashes = {(each.name, each.version): hash_built_in(each.name)[:8] for each in CATALOG}
    assert hashes == BUILT_IN
