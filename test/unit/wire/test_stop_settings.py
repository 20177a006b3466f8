"""Settings of stop levels in the configuration of an account."""

import pytest

from oms.domain.errors import Invalid
from oms.domain.protection.stop_settings import ProtectionMode
from oms.wire.account_config.stop_settings import check_stop_settings, read_stop_settings
from oms.wire.json import dumps


@pytest.mark.parametrize("mode", list(ProtectionMode))
def test_protection_modes(mode: ProtectionMode) -> None:
    text = dumps({"oms": {"protection_mode": mode.value}})
    check_stop_settings(text)
    assert read_stop_settings(text).protection is mode


@pytest.mark.parametrize("sent", ["Native", "", 1, True, ["native"]])
def test_other_modes_are_refused(sent: object) -> None:
    text = dumps({"oms": {"protection_mode": sent}})
    with pytest.raises(Invalid, match="protection_mode: one of auto, native, emulated"):
        check_stop_settings(text)
    assert read_stop_settings(text).protection is ProtectionMode.AUTO


def test_a_price_mode_of_another_type_is_refused() -> None:
    with pytest.raises(Invalid, match="stop_price_mode: one of"):
        check_stop_settings(dumps({"oms": {"stop_price_mode": ["last"]}}))
