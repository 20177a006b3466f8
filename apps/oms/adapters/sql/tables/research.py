"""Strategies: the versions that bots and runs pin, and the catalogue that the runner loaded."""

import sqlalchemy as sa

from oms.adapters.sql.connection import column_types as types
from oms.adapters.sql.tables import metadata as schema

strategy_versions = schema.table(
    "strategy_versions",
    schema.key("id"),
    schema.required("name", types.ExactText(64)),
    schema.required("version", types.ExactText(32)),
    schema.required("code_hash", types.ExactText(64)),
    schema.required("params_json", types.JsonText),
    schema.required("params_hash", types.ExactText(64)),
    schema.nullable("checked_at", types.TimestampType()),
    schema.created_at(),
    sa.Index("ux_strategy_versions_params", "name", "version", "params_hash", unique=True),
)

strategy_catalog = schema.table(
    "strategy_catalog",
    schema.key("id"),
    schema.required("source", types.ShortText(255)),
    schema.nullable("description_json", types.JsonText),
    schema.nullable("error", types.ShortText(1000)),
    schema.required("loaded_at", types.TimestampType()),
)

research_requests = schema.table(
    "research_requests",
    schema.key("id"),
    schema.required("kind", types.ShortText(16)),
    schema.required("status", types.ShortText(16)),
    schema.required("request_json", types.JsonText),
    schema.nullable("answer_json", types.JsonText),
    schema.created_at(),
    sa.Index("ix_research_requests_status", "status"),
)
