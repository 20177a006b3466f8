"""The settings in ``extra_config_json`` that do not depend on the venue."""

from oms.wire.account_config.ccxt_allow import check_ccxt_allow
from oms.wire.account_config.discrepancy_policies import check_policies
from oms.wire.account_config.paper_settings import read_paper_settings
from oms.wire.account_config.report_currency import check_report_currency
from oms.wire.account_config.stop_settings import check_stop_settings
from oms.wire.account_config.unknown_history import check_unknown_history


def check_extra_config(text: str) -> None:
    """Accept the settings of paper accounts, ccxt calls and reconciliation in JSON text, strictly.

    Raises ``Invalid`` (``extra_config_refused``).
    """
    read_paper_settings(text, strict=True)
    check_ccxt_allow(text)
    check_policies(text)
    check_report_currency(text)
    check_unknown_history(text)
    check_stop_settings(text)
