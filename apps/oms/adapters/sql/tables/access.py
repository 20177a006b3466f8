"""Users, API keys, passwords, tokens, permissions and the audit log."""

import sqlalchemy as sa

from oms.adapters.sql.connection import column_types as types
from oms.adapters.sql.tables import metadata as schema

users = schema.table(
    "users",
    schema.key("id"),
    schema.required("name", types.ShortText(128)),
    schema.required("role", types.ShortText(32), "'trader'"),
    schema.required("status", types.ShortText(32), "'active'"),
    schema.created_at(),
    schema.nullable("name_key", types.ExactText(64)),
    sa.UniqueConstraint("name"),
    sa.Index("ux_users_name_key", "name_key", unique=True),
)

user_api_keys = schema.table(
    "user_api_keys",
    schema.key("id"),
    sa.Column("user_id", types.BigIntId, sa.ForeignKey("users.id"), nullable=False),
    schema.nullable("label", types.ShortText(128)),
    schema.required("api_key_hash", types.ExactText(64)),
    schema.required("key_prefix", types.ExactText(12), "''"),
    schema.required("status", types.ShortText(32), "'active'"),
    schema.nullable("expires_at", types.TimestampType()),
    schema.nullable("ip_allowlist", types.JsonText),
    schema.nullable("max_order_notional", types.DecimalType()),
    schema.nullable("max_day_notional", types.DecimalType()),
    schema.nullable("last_used_at", types.TimestampType()),
    schema.nullable("last_used_ip", types.ExactText(45)),
    schema.created_at(),
    schema.nullable("disabled_by", types.ShortText(128)),
    schema.nullable("disabled_by_user_id", types.BigIntId),
    sa.UniqueConstraint("api_key_hash"),
    sa.Index(None, "user_id"),
)

user_password_credentials = schema.table(
    "user_password_credentials",
    schema.key("user_id"),
    schema.required("password_hash", types.ShortText(255)),
    schema.created_at(),
    schema.updated_at(),
)

auth_tokens = schema.table(
    "auth_tokens",
    schema.key("id"),
    schema.required("user_id", types.BigIntId),
    schema.required("api_key_id", types.BigIntId),
    schema.required("token_hash", types.ExactText(64)),
    schema.required("status", types.ShortText(32), "'active'"),
    schema.nullable("expires_at", types.TimestampType()),
    schema.nullable("last_used_at", types.TimestampType()),
    schema.nullable("last_used_ip", types.ExactText(45)),
    schema.created_at(),
    schema.required("kind", types.ShortText(16), "'token'"),
    schema.nullable("mode", types.ShortText(16)),
    schema.nullable("ends_at", types.TimestampType()),
    schema.nullable("confirmed_until", types.TimestampType()),
    schema.nullable("created_ip", types.ExactText(45)),
    schema.nullable("user_agent", types.ShortText(255)),
    sa.UniqueConstraint("token_hash"),
    sa.Index(None, "api_key_id"),
    sa.Index(None, "user_id"),
    sa.Index(None, "expires_at"),
)

user_preferences = schema.table(
    "user_preferences",
    schema.key("user_id"),
    schema.required("preferences_json", types.JsonText),
    schema.created_at(),
    schema.updated_at(),
)

login_attempts = schema.table(
    "login_attempts",
    schema.key("id"),
    schema.required("user_name", types.ShortText(128)),
    schema.required("ip", types.ExactText(45)),
    schema.boolean("ok"),
    schema.created_at(),
    sa.Index("ix_login_attempts_user_name", "user_name", "created_at"),
    sa.Index("ix_login_attempts_ip", "ip", "created_at"),
    sa.Index(None, "created_at"),
)

user_account_permissions = schema.table(
    "user_account_permissions",
    schema.key("user_id"),
    schema.key("account_id"),
    schema.boolean("can_read", True),
    schema.boolean("can_trade", False),
    schema.boolean("can_risk_manage", False),
    schema.created_at(),
)

api_key_account_permissions = schema.table(
    "api_key_account_permissions",
    schema.key("api_key_id", sa.ForeignKey("user_api_keys.id")),
    schema.key("account_id", sa.ForeignKey("accounts.id")),
    schema.boolean("can_read", True),
    schema.boolean("can_trade", False),
    schema.boolean("can_close_position", False),
    schema.boolean("can_risk_manage", False),
    schema.boolean("can_block_new_positions", False),
    schema.boolean("can_block_account", False),
    schema.boolean("restrict_to_strategies", False),
    schema.required("status", types.ShortText(32), "'active'"),
    schema.created_at(),
    schema.updated_at(),
    sa.Index(None, "account_id"),
)

api_key_strategy_permissions = schema.table(
    "api_key_strategy_permissions",
    schema.key("api_key_id"),
    schema.key("account_id"),
    schema.key("strategy_id"),
    schema.boolean("can_read", True),
    schema.boolean("can_trade", True),
    schema.required("status", types.ShortText(32), "'active'"),
    schema.created_at(),
)

api_key_usage = schema.table(
    "api_key_usage",
    schema.key("api_key_id"),
    schema.key("account_id"),
    sa.Column("day", sa.Date(), primary_key=True),
    schema.required("notional", types.DecimalType(), "'0'"),
)

audit_log = schema.table(
    "audit_log",
    schema.key("id"),
    schema.nullable("account_id", types.BigIntId),
    schema.required("actor", types.ShortText(128)),
    schema.nullable("actor_user_id", types.BigIntId),
    schema.nullable("actor_api_key_id", types.BigIntId),
    schema.nullable("actor_role", types.ShortText(32)),
    schema.nullable("actor_ip", types.ExactText(45)),
    schema.required("action", types.ShortText(64)),
    schema.required("entity", types.ShortText(64)),
    schema.required("entity_id", types.ShortText(64)),
    schema.nullable("before_json", types.JsonText),
    schema.nullable("after_json", types.JsonText),
    schema.nullable("comment", types.ShortText(255)),
    schema.nullable("request_id", types.ExactText(128)),
    schema.nullable("prev_hash", types.ExactText(64)),
    schema.nullable("hash", types.ExactText(64)),
    schema.created_at(),
    schema.nullable("chain_no", types.BigIntId),
    sa.Index("ux_audit_log_chain_no", "chain_no", unique=True),
    sa.Index("ix_audit_log_created_at", "created_at"),
    sa.Index("ix_audit_log_account_id", "account_id", "id"),
    sa.Index("ix_audit_log_actor_user_id", "actor_user_id", "id"),
    sa.Index("ix_audit_log_entity", "entity", "entity_id"),
)

audit_chain = schema.table(
    "audit_chain",
    schema.key("id"),
    schema.required("length", types.BigIntId),
    schema.required("hash", types.ExactText(64)),
)

command_chain = schema.table(
    "command_chain",
    schema.key("chain_no"),
    schema.required("command_id", types.BigIntId),
    schema.required("status", types.ShortText(32)),
    schema.required("digest", types.ExactText(64)),
    schema.required("hash", types.ExactText(64)),
    schema.boolean("is_open"),
    sa.Index("ix_command_chain_command_id", "command_id"),
    sa.Index("ix_command_chain_open", "is_open", "chain_no"),
)

share_links = schema.table(
    "share_links",
    schema.key("id"),
    schema.required("token_hash", types.ExactText(64)),
    schema.required("api_key_id", types.BigIntId),
    schema.required("user_id", types.BigIntId),
    schema.required("created_by", types.ShortText(128)),
    schema.required("title", types.ShortText(64)),
    schema.required("view", types.ShortText(16)),
    schema.required("account_ids_json", types.JsonText),
    schema.nullable("strategy_id", types.BigIntId),
    schema.nullable("since", types.TimestampType()),
    schema.boolean("has_amounts"),
    schema.created_at(),
    schema.required("expires_at", types.TimestampType()),
    schema.nullable("revoked_at", types.TimestampType()),
    sa.Index("ux_share_links_token_hash", "token_hash", unique=True),
    sa.Index("ix_share_links_user_id", "user_id"),
)
