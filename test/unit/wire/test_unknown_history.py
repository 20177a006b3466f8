"""``oms.reconcile.unknown_history``: the default, the other value, and what is refused."""

import pytest

from oms.domain.errors import Invalid
from oms.wire.account_config.extra_config import check_extra_config
from oms.wire.account_config.unknown_history import opens_at_average


def test_the_average_is_the_default() -> None:
    assert opens_at_average("{}")
    assert opens_at_average("nonsense")
    assert opens_at_average('{"oms":{"reconcile":{"unknown_history":"average"}}}')
    assert not opens_at_average('{"oms":{"reconcile":{"unknown_history":"mark"}}}')


@pytest.mark.parametrize("sent", ['{"unknown_history":"mid"}', '{"odd":"mark"}', '"mark"'])
def test_invalid_settings_are_refused(sent: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_extra_config(f'{{"oms":{{"reconcile":{sent}}}}}')
    assert refused.value.code == "extra_config_refused"
    check_extra_config('{"oms":{"reconcile":{"unknown_history":"mark"}}}')
