"""``extra_config_json.oms.allowed_hosts``: hosts that an account may call besides its venue's."""

from oms.wire.json import NotJson, loads


def has_allowed_hosts(extra_config: str) -> bool:
    """Return whether the account names hosts of its own; yes where that cannot be read."""
    try:
        return bool(loads(extra_config).get("oms", {}).get("allowed_hosts"))
    except (NotJson, AttributeError):
        return True  # counts as live: settings that cannot be read permit nothing
