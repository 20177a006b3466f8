"""Parts of an account's extra_config_json."""
