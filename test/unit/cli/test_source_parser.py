"""``oms source``: its choices are those of the domain."""

from oms.cli.parsers import source_parser
from oms.domain.signals.signal import SizingKind
from oms.wire.signals.source_requests import POSTED_KINDS


def test_the_choices_are_those_of_the_domain() -> None:
    assert set(source_parser.KINDS) == set(POSTED_KINDS)
    assert set(source_parser.SIZINGS) == set(SizingKind)
