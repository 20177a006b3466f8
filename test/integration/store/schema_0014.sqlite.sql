CREATE TABLE account_credentials_encrypted (
	account_id BIGINT NOT NULL, 
	api_key_enc TEXT NOT NULL, 
	secret_enc TEXT NOT NULL, 
	passphrase_enc TEXT, 
	key_id VARCHAR(32) NOT NULL, 
	fingerprint VARCHAR(64) NOT NULL, 
	created_at VARCHAR(32) NOT NULL, 
	updated_at VARCHAR(32) NOT NULL, exchange_owner VARCHAR(64), 
	PRIMARY KEY (account_id)
);

CREATE TABLE account_leases (
	account_id BIGINT NOT NULL, 
	owner VARCHAR(64) DEFAULT '' NOT NULL, 
	token BIGINT DEFAULT 0 NOT NULL, 
	expires_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (account_id)
);

CREATE TABLE account_risk_state (
	account_id BIGINT NOT NULL, 
	allow_new_positions BOOLEAN DEFAULT 1 NOT NULL, 
	created_at VARCHAR(32) NOT NULL, 
	updated_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (account_id)
);

CREATE TABLE account_strategy_risk_state (
	account_id BIGINT NOT NULL, 
	strategy_id BIGINT NOT NULL, 
	allow_new_positions BOOLEAN DEFAULT 1 NOT NULL, 
	created_at VARCHAR(32) NOT NULL, 
	updated_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (account_id, strategy_id)
);

CREATE TABLE account_streams (
	account_id BIGINT NOT NULL, 
	head_seq BIGINT DEFAULT 0 NOT NULL, 
	lease_token BIGINT DEFAULT 0 NOT NULL, 
	PRIMARY KEY (account_id)
);

CREATE TABLE accounts (
	id BIGINT NOT NULL, 
	exchange_id VARCHAR(64) NOT NULL, 
	is_testnet BOOLEAN DEFAULT 0 NOT NULL, 
	label VARCHAR(128) NOT NULL, 
	position_mode VARCHAR(16) DEFAULT 'hedge' NOT NULL, 
	extra_config_json TEXT, 
	reconcile_enabled BOOLEAN DEFAULT 1 NOT NULL, 
	reconcile_short_interval_seconds INTEGER, 
	reconcile_short_lookback_seconds INTEGER, 
	reconcile_hourly_interval_seconds INTEGER, 
	reconcile_hourly_lookback_seconds INTEGER, 
	reconcile_long_interval_seconds INTEGER, 
	reconcile_long_lookback_seconds INTEGER, 
	dispatcher_worker_hint INTEGER, 
	dispatcher_hint_updated_at VARCHAR(32), 
	raw_storage_mode VARCHAR(16) DEFAULT 'shared' NOT NULL, 
	pool_id INTEGER DEFAULT 0 NOT NULL, 
	status VARCHAR(32) DEFAULT 'active' NOT NULL, 
	trader_name VARCHAR(128), 
	quarantine VARCHAR(64), 
	environment VARCHAR(16) NOT NULL, 
	live_enabled BOOLEAN DEFAULT 0 NOT NULL, 
	created_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (id)
);

CREATE TABLE api_key_account_permissions (
	api_key_id BIGINT NOT NULL, 
	account_id BIGINT NOT NULL, 
	can_read BOOLEAN DEFAULT 1 NOT NULL, 
	can_trade BOOLEAN DEFAULT 0 NOT NULL, 
	can_close_position BOOLEAN DEFAULT 0 NOT NULL, 
	can_risk_manage BOOLEAN DEFAULT 0 NOT NULL, 
	can_block_new_positions BOOLEAN DEFAULT 0 NOT NULL, 
	can_block_account BOOLEAN DEFAULT 0 NOT NULL, 
	restrict_to_strategies BOOLEAN DEFAULT 0 NOT NULL, 
	status VARCHAR(32) DEFAULT 'active' NOT NULL, 
	created_at VARCHAR(32) NOT NULL, 
	updated_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (api_key_id, account_id), 
	CONSTRAINT fk_api_key_account_permissions_account_id FOREIGN KEY(account_id) REFERENCES accounts (id), 
	CONSTRAINT fk_api_key_account_permissions_api_key_id FOREIGN KEY(api_key_id) REFERENCES user_api_keys (id)
);

CREATE TABLE api_key_strategy_permissions (
	api_key_id BIGINT NOT NULL, 
	account_id BIGINT NOT NULL, 
	strategy_id BIGINT NOT NULL, 
	can_read BOOLEAN DEFAULT 1 NOT NULL, 
	can_trade BOOLEAN DEFAULT 1 NOT NULL, 
	status VARCHAR(32) DEFAULT 'active' NOT NULL, 
	created_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (api_key_id, account_id, strategy_id)
);

CREATE TABLE api_key_usage (
	api_key_id BIGINT NOT NULL, 
	account_id BIGINT NOT NULL, 
	day DATE NOT NULL, 
	notional VARCHAR(64) DEFAULT '0' NOT NULL, 
	PRIMARY KEY (api_key_id, account_id, day)
);

CREATE TABLE audit_chain (
	id BIGINT NOT NULL, 
	length BIGINT NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	PRIMARY KEY (id)
);

CREATE TABLE audit_log (
	id BIGINT NOT NULL, 
	account_id BIGINT, 
	actor VARCHAR(128) NOT NULL, 
	actor_user_id BIGINT, 
	actor_api_key_id BIGINT, 
	actor_role VARCHAR(32), 
	actor_ip VARCHAR(45), 
	action VARCHAR(64) NOT NULL, 
	entity VARCHAR(64) NOT NULL, 
	entity_id VARCHAR(64) NOT NULL, 
	before_json TEXT, 
	after_json TEXT, 
	comment VARCHAR(255), 
	request_id VARCHAR(128), 
	prev_hash VARCHAR(64), 
	hash VARCHAR(64), 
	created_at VARCHAR(32) NOT NULL, chain_no BIGINT, 
	PRIMARY KEY (id)
);

CREATE TABLE auth_tokens (
	id BIGINT NOT NULL, 
	user_id BIGINT NOT NULL, 
	api_key_id BIGINT NOT NULL, 
	token_hash VARCHAR(64) NOT NULL, 
	status VARCHAR(32) DEFAULT 'active' NOT NULL, 
	expires_at VARCHAR(32), 
	last_used_at VARCHAR(32), 
	last_used_ip VARCHAR(45), 
	created_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT uq_auth_tokens_token_hash UNIQUE (token_hash)
);

CREATE TABLE ccxt_orders_raw (
	id BIGINT NOT NULL, 
	account_id BIGINT NOT NULL, 
	exchange_id VARCHAR(64) NOT NULL, 
	exchange_order_id VARCHAR(128), 
	client_order_id VARCHAR(128), 
	symbol VARCHAR(64), 
	raw_json TEXT NOT NULL, 
	fingerprint_hash VARCHAR(64) NOT NULL, 
	observed_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT uq_ccxt_orders_raw_fingerprint UNIQUE (account_id, exchange_id, fingerprint_hash)
);

CREATE TABLE ccxt_trades_raw (
	id BIGINT NOT NULL, 
	account_id BIGINT NOT NULL, 
	exchange_id VARCHAR(64) NOT NULL, 
	exchange_trade_id VARCHAR(128) NOT NULL, 
	exchange_order_id VARCHAR(128), 
	symbol VARCHAR(64) NOT NULL, 
	raw_json TEXT NOT NULL, 
	fingerprint_hash VARCHAR(64) NOT NULL, 
	observed_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT uq_ccxt_trades_raw_trade UNIQUE (account_id, exchange_id, symbol, exchange_trade_id)
);

CREATE TABLE discrepancies (
	id BIGINT NOT NULL, 
	account_id BIGINT NOT NULL, 
	class VARCHAR(32) NOT NULL, 
	symbol VARCHAR(64), 
	subject VARCHAR(255) NOT NULL, 
	status VARCHAR(16) NOT NULL, 
	policy VARCHAR(16) NOT NULL, 
	evidence_json TEXT NOT NULL, 
	fix_json TEXT, 
	first_seen VARCHAR(32) NOT NULL, 
	last_seen VARCHAR(32) NOT NULL, 
	decided_by VARCHAR(128), 
	comment VARCHAR(255), 
	PRIMARY KEY (id)
);

CREATE TABLE event_outbox (
	id BIGINT NOT NULL, 
	account_id BIGINT NOT NULL, 
	seq BIGINT NOT NULL, 
	seq_to BIGINT NOT NULL, 
	strategy_id BIGINT DEFAULT 0 NOT NULL, 
	namespace VARCHAR(32) NOT NULL, 
	event_type VARCHAR(64) NOT NULL, 
	payload_json TEXT NOT NULL, 
	created_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (id)
);

CREATE TABLE id_blocks (
	name VARCHAR(64) NOT NULL, 
	next_id BIGINT NOT NULL, 
	block INTEGER DEFAULT (100) NOT NULL, 
	PRIMARY KEY (name)
);

CREATE TABLE idempotency_keys (
	scope_hash VARCHAR(64) NOT NULL, 
	fingerprint VARCHAR(64) NOT NULL, 
	status VARCHAR(16) NOT NULL, 
	http_status SMALLINT, 
	response_json TEXT, 
	command_ids TEXT, 
	expires_at VARCHAR(32) NOT NULL, 
	created_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (scope_hash)
);

CREATE TABLE installation (
	tag VARCHAR(8) NOT NULL, 
	PRIMARY KEY (tag)
);

CREATE TABLE kill_switches (
	id BIGINT NOT NULL, 
	scope VARCHAR(16) NOT NULL, 
	scope_id VARCHAR(64) NOT NULL, 
	mode VARCHAR(16) NOT NULL, 
	comment VARCHAR(255) NOT NULL, 
	cancel_entries BOOLEAN NOT NULL, 
	flatten BOOLEAN NOT NULL, 
	is_on BOOLEAN NOT NULL, 
	set_by VARCHAR(128) NOT NULL, 
	set_by_user_id BIGINT, 
	set_by_api_key_id BIGINT, 
	released_at VARCHAR(32), 
	released_by VARCHAR(128), 
	release_comment VARCHAR(255), 
	created_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (id)
);

CREATE TABLE login_attempts (
	id BIGINT NOT NULL, 
	user_name VARCHAR(128) NOT NULL, 
	ip VARCHAR(45) NOT NULL, 
	ok BOOLEAN NOT NULL, 
	created_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (id)
);

CREATE TABLE oms_commands (
	id BIGINT NOT NULL, 
	account_id BIGINT NOT NULL, 
	command_type VARCHAR(32) NOT NULL, 
	request_id VARCHAR(128), 
	idempotency_key VARCHAR(128), 
	fingerprint VARCHAR(64) NOT NULL, 
	payload_json TEXT NOT NULL, 
	status VARCHAR(32) NOT NULL, 
	error_json TEXT, 
	result_json TEXT, 
	order_id BIGINT, 
	after_command_id BIGINT, 
	hold_until VARCHAR(32), 
	attempts INTEGER DEFAULT 0 NOT NULL, 
	actor_user_id BIGINT, 
	actor_api_key_id BIGINT, 
	actor_role VARCHAR(32), 
	actor_ip VARCHAR(45), 
	comment VARCHAR(255), 
	lease_token BIGINT, 
	started_at VARCHAR(32), 
	finished_at VARCHAR(32), 
	created_at VARCHAR(32) NOT NULL, 
	updated_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT uq_oms_commands_request_id UNIQUE (account_id, request_id)
);

CREATE TABLE oms_deals (
	id BIGINT NOT NULL, 
	account_id BIGINT NOT NULL, 
	order_id BIGINT, 
	position_id BIGINT NOT NULL, 
	previous_position_id BIGINT, 
	symbol VARCHAR(64) NOT NULL, 
	side VARCHAR(8) NOT NULL, 
	qty VARCHAR(64) NOT NULL, 
	price VARCHAR(64) NOT NULL, 
	fee VARCHAR(64), 
	fee_currency VARCHAR(32), 
	pnl VARCHAR(64), 
	strategy_id BIGINT DEFAULT 0 NOT NULL, 
	reason VARCHAR(32) DEFAULT 'api' NOT NULL, 
	comment VARCHAR(255), 
	reconciled BOOLEAN DEFAULT 1 NOT NULL, 
	exchange_trade_id VARCHAR(128), 
	leg SMALLINT DEFAULT 0 NOT NULL, 
	entry VARCHAR(8) NOT NULL, 
	type VARCHAR(16) DEFAULT 'trade' NOT NULL, 
	provisional BOOLEAN DEFAULT 0 NOT NULL, 
	origin VARCHAR(32) NOT NULL, 
	liquidity VARCHAR(8), 
	exchange_order_id VARCHAR(128), 
	signal_id BIGINT, 
	executed_at VARCHAR(32) NOT NULL, 
	created_at VARCHAR(32) NOT NULL, exchange_sequence BIGINT DEFAULT 0 NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT uq_oms_deals_exchange_trade_id UNIQUE (account_id, symbol, exchange_trade_id, leg)
);

CREATE TABLE oms_order_attempts (
	order_id BIGINT NOT NULL, 
	attempt INTEGER NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	account_id BIGINT NOT NULL, 
	client_id VARCHAR(64) NOT NULL, 
	request_json TEXT NOT NULL, 
	exchange_order_id VARCHAR(128), 
	may_send_until VARCHAR(32) NOT NULL, 
	sent_at VARCHAR(32), 
	acked_at VARCHAR(32), 
	outcome VARCHAR(16), 
	code VARCHAR(64), 
	created_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (order_id, attempt, kind), 
	CONSTRAINT uq_oms_order_attempts_client_id UNIQUE (client_id, kind)
);

CREATE TABLE oms_orders (
	id BIGINT NOT NULL, 
	command_id BIGINT, 
	account_id BIGINT NOT NULL, 
	symbol VARCHAR(64) NOT NULL, 
	side VARCHAR(8) NOT NULL, 
	order_type VARCHAR(64) NOT NULL, 
	status VARCHAR(32) NOT NULL, 
	state VARCHAR(32) NOT NULL, 
	is_open BOOLEAN NOT NULL, 
	pending_change VARCHAR(16), 
	strategy_id BIGINT DEFAULT 0 NOT NULL, 
	position_id BIGINT DEFAULT 0 NOT NULL, 
	previous_position_id BIGINT, 
	reason VARCHAR(32) DEFAULT 'api' NOT NULL, 
	comment VARCHAR(255), 
	client_order_id VARCHAR(128), 
	exchange_order_id VARCHAR(128), 
	qty VARCHAR(64) NOT NULL, 
	price VARCHAR(64), 
	stop_loss VARCHAR(64), 
	stop_gain VARCHAR(64), 
	filled_qty VARCHAR(64) DEFAULT '0' NOT NULL, 
	avg_fill_price VARCHAR(64), 
	fill_value VARCHAR(128) DEFAULT '0' NOT NULL, 
	fees_json TEXT NOT NULL, 
	reconciled BOOLEAN DEFAULT 1 NOT NULL, 
	edit_replace_state VARCHAR(32), 
	edit_replace_at VARCHAR(32), 
	edit_replace_orphan_order_id BIGINT, 
	edit_replace_origin_order_id BIGINT, 
	reduce_only BOOLEAN DEFAULT 0 NOT NULL, 
	post_only BOOLEAN DEFAULT 0 NOT NULL, 
	new_position BOOLEAN DEFAULT 0 NOT NULL, 
	time_in_force VARCHAR(8), 
	trigger_price VARCHAR(64), 
	expires_at VARCHAR(32), 
	params_json TEXT, 
	fingerprint VARCHAR(64) DEFAULT '' NOT NULL, 
	reject_source VARCHAR(16), 
	reject_code VARCHAR(64), 
	reject_message VARCHAR(255), 
	replaced_by BIGINT, 
	group_id BIGINT, 
	parent_order_id BIGINT, 
	signal_id BIGINT, 
	triggered_at VARCHAR(32), 
	submitted_at VARCHAR(32), 
	last_fill_at VARCHAR(32), 
	version INTEGER DEFAULT 1 NOT NULL, 
	created_at VARCHAR(32) NOT NULL, 
	updated_at VARCHAR(32) NOT NULL, 
	closed_at VARCHAR(32), ticket_id BIGINT DEFAULT 0 NOT NULL, trailing_amount VARCHAR(64), trailing_percent VARCHAR(64), provisional_qty VARCHAR(64) DEFAULT '0' NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT uq_oms_orders_client_order_id UNIQUE (account_id, client_order_id), 
	CONSTRAINT uq_oms_orders_exchange_order_id UNIQUE (account_id, symbol, exchange_order_id)
);

CREATE TABLE oms_positions (
	id BIGINT NOT NULL, 
	account_id BIGINT NOT NULL, 
	symbol VARCHAR(64) NOT NULL, 
	strategy_id BIGINT DEFAULT 0 NOT NULL, 
	side VARCHAR(8) NOT NULL, 
	qty VARCHAR(64) NOT NULL, 
	avg_price VARCHAR(64) NOT NULL, 
	cost_exact TEXT NOT NULL, 
	exit_exact TEXT NOT NULL, 
	stop_loss VARCHAR(64), 
	stop_gain VARCHAR(64), 
	state VARCHAR(16) NOT NULL, 
	reason VARCHAR(32) DEFAULT 'api' NOT NULL, 
	comment VARCHAR(255), 
	identifier BIGINT NOT NULL, 
	previous_position_id BIGINT, 
	qty_opened VARCHAR(64) NOT NULL, 
	qty_closed VARCHAR(64) NOT NULL, 
	max_qty VARCHAR(64) NOT NULL, 
	profit VARCHAR(64) NOT NULL, 
	realized_pnl VARCHAR(64) NOT NULL, 
	fees TEXT NOT NULL, 
	funding VARCHAR(64) NOT NULL, 
	close_price VARCHAR(64), 
	close_reason VARCHAR(32), 
	merged_into BIGINT, 
	external BOOLEAN DEFAULT 0 NOT NULL, 
	version INTEGER NOT NULL, 
	opened_at VARCHAR(32) NOT NULL, 
	created_at VARCHAR(32) NOT NULL, 
	updated_at VARCHAR(32) NOT NULL, 
	closed_at VARCHAR(32), 
	PRIMARY KEY (id)
);

CREATE TABLE paper_orders (
	account_id BIGINT NOT NULL, 
	exchange_order_id VARCHAR(128) NOT NULL, 
	order_json TEXT NOT NULL, 
	PRIMARY KEY (account_id, exchange_order_id)
);

CREATE TABLE paper_prices (
	account_id BIGINT NOT NULL, 
	symbol VARCHAR(64) NOT NULL, 
	price_json TEXT NOT NULL, 
	PRIMARY KEY (account_id, symbol)
);

CREATE TABLE paper_state (
	account_id BIGINT NOT NULL, 
	version INTEGER NOT NULL, 
	state_json TEXT NOT NULL, 
	hash VARCHAR(64) DEFAULT '' NOT NULL, 
	PRIMARY KEY (account_id)
);

CREATE TABLE paper_trades (
	account_id BIGINT NOT NULL, 
	trade_id VARCHAR(128) NOT NULL, 
	symbol VARCHAR(64) NOT NULL, 
	executed_at VARCHAR(32) NOT NULL, 
	trade_json TEXT NOT NULL, 
	PRIMARY KEY (account_id, trade_id)
);

CREATE TABLE rate_chunks (
	scope VARCHAR(128) NOT NULL, 
	second BIGINT NOT NULL, 
	used BIGINT NOT NULL, 
	PRIMARY KEY (scope, second)
);

CREATE TABLE reconcile_runs (
	id BIGINT NOT NULL, 
	account_id BIGINT NOT NULL, 
	scope VARCHAR(16) NOT NULL, 
	started_at VARCHAR(32) NOT NULL, 
	finished_at VARCHAR(32) NOT NULL, 
	counts_json TEXT NOT NULL, 
	error VARCHAR(255), 
	PRIMARY KEY (id)
);

CREATE TABLE reconciliation_cursor (
	account_id BIGINT NOT NULL, 
	entity VARCHAR(96) NOT NULL, 
	cursor_value VARCHAR(255) NOT NULL, 
	updated_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (account_id, entity)
);

CREATE TABLE strategies (
	id BIGINT NOT NULL, 
	client_strategy_id BIGINT, 
	name VARCHAR(128) NOT NULL, 
	status VARCHAR(32) DEFAULT 'active' NOT NULL, 
	created_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT uq_strategies_name UNIQUE (name)
);

CREATE TABLE strategy_accounts (
	strategy_id BIGINT NOT NULL, 
	account_id BIGINT NOT NULL, 
	status VARCHAR(32) DEFAULT 'active' NOT NULL, 
	created_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (strategy_id, account_id)
);

CREATE TABLE user_account_permissions (
	user_id BIGINT NOT NULL, 
	account_id BIGINT NOT NULL, 
	can_read BOOLEAN DEFAULT 1 NOT NULL, 
	can_trade BOOLEAN DEFAULT 0 NOT NULL, 
	can_risk_manage BOOLEAN DEFAULT 0 NOT NULL, 
	created_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (user_id, account_id)
);

CREATE TABLE user_api_keys (
	id BIGINT NOT NULL, 
	user_id BIGINT NOT NULL, 
	label VARCHAR(128), 
	api_key_hash VARCHAR(64) NOT NULL, 
	key_prefix VARCHAR(12) DEFAULT '' NOT NULL, 
	status VARCHAR(32) DEFAULT 'active' NOT NULL, 
	expires_at VARCHAR(32), 
	ip_allowlist TEXT, 
	max_order_notional VARCHAR(64), 
	max_day_notional VARCHAR(64), 
	last_used_at VARCHAR(32), 
	last_used_ip VARCHAR(45), 
	created_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT fk_user_api_keys_user_id FOREIGN KEY(user_id) REFERENCES users (id), 
	CONSTRAINT uq_user_api_keys_api_key_hash UNIQUE (api_key_hash)
);

CREATE TABLE user_password_credentials (
	user_id BIGINT NOT NULL, 
	password_hash VARCHAR(255) NOT NULL, 
	created_at VARCHAR(32) NOT NULL, 
	updated_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (user_id)
);

CREATE TABLE users (
	id BIGINT NOT NULL, 
	name VARCHAR(128) NOT NULL, 
	role VARCHAR(32) DEFAULT 'trader' NOT NULL, 
	status VARCHAR(32) DEFAULT 'active' NOT NULL, 
	created_at VARCHAR(32) NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT uq_users_name UNIQUE (name)
);

CREATE TABLE workers (
	worker_id VARCHAR(64) NOT NULL, 
	host VARCHAR(128) NOT NULL, 
	heartbeat_at VARCHAR(32) NOT NULL, 
	status_json TEXT NOT NULL, 
	PRIMARY KEY (worker_id)
);

CREATE INDEX ix_accounts_status ON accounts (status);

CREATE INDEX ix_api_key_account_permissions_account_id ON api_key_account_permissions (account_id);

CREATE INDEX ix_audit_log_account_id ON audit_log (account_id, id);

CREATE INDEX ix_audit_log_actor_user_id ON audit_log (actor_user_id, id);

CREATE INDEX ix_audit_log_created_at ON audit_log (created_at);

CREATE INDEX ix_audit_log_entity ON audit_log (entity, entity_id);

CREATE INDEX ix_auth_tokens_api_key_id ON auth_tokens (api_key_id);

CREATE INDEX ix_auth_tokens_expires_at ON auth_tokens (expires_at);

CREATE INDEX ix_auth_tokens_user_id ON auth_tokens (user_id);

CREATE INDEX ix_ccxt_orders_raw_observed ON ccxt_orders_raw (account_id, observed_at);

CREATE INDEX ix_ccxt_orders_raw_page ON ccxt_orders_raw (account_id, id);

CREATE INDEX ix_ccxt_trades_raw_observed ON ccxt_trades_raw (account_id, observed_at);

CREATE INDEX ix_ccxt_trades_raw_page ON ccxt_trades_raw (account_id, id);

CREATE INDEX ix_discrepancies_account_id ON discrepancies (account_id, status, id);

CREATE INDEX ix_event_outbox_created_at ON event_outbox (created_at);

CREATE INDEX ix_idempotency_keys_expires_at ON idempotency_keys (expires_at);

CREATE INDEX ix_kill_switches_on ON kill_switches (is_on, id);

CREATE INDEX ix_login_attempts_created_at ON login_attempts (created_at);

CREATE INDEX ix_login_attempts_ip ON login_attempts (ip, created_at);

CREATE INDEX ix_login_attempts_user_name ON login_attempts (user_name, created_at);

CREATE INDEX ix_oms_commands_page ON oms_commands (account_id, id);

CREATE INDEX ix_oms_commands_queue ON oms_commands (status, account_id, created_at, id);

CREATE INDEX ix_oms_commands_type ON oms_commands (command_type, created_at);

CREATE INDEX ix_oms_deals_executed_at ON oms_deals (account_id, executed_at);

CREATE INDEX ix_oms_deals_folding ON oms_deals (account_id, symbol, executed_at);

CREATE INDEX ix_oms_deals_order_id ON oms_deals (order_id);

CREATE INDEX ix_oms_deals_page ON oms_deals (account_id, id);

CREATE INDEX ix_oms_deals_position_id ON oms_deals (position_id);

CREATE INDEX ix_oms_order_attempts_exchange_order_id ON oms_order_attempts (exchange_order_id);

CREATE INDEX ix_oms_orders_open ON oms_orders (account_id, is_open, id);

CREATE INDEX ix_oms_orders_page ON oms_orders (account_id, id);

CREATE INDEX ix_oms_orders_strategy_id ON oms_orders (strategy_id, updated_at);

CREATE INDEX ix_oms_orders_updated_at ON oms_orders (account_id, updated_at);

CREATE INDEX ix_oms_positions_page ON oms_positions (account_id, id);

CREATE INDEX ix_oms_positions_state ON oms_positions (account_id, state, symbol);

CREATE INDEX ix_oms_positions_updated_at ON oms_positions (account_id, updated_at);

CREATE INDEX ix_paper_trades_executed_at ON paper_trades (account_id, executed_at);

CREATE INDEX ix_reconcile_runs_account_id ON reconcile_runs (account_id, id);

CREATE INDEX ix_reconcile_runs_started_at ON reconcile_runs (started_at);

CREATE INDEX ix_strategy_accounts_account_id ON strategy_accounts (account_id);

CREATE INDEX ix_user_api_keys_user_id ON user_api_keys (user_id);

CREATE UNIQUE INDEX uq_event_outbox_seq_to ON event_outbox (account_id, seq_to);

CREATE UNIQUE INDEX ux_audit_log_chain_no ON audit_log (chain_no);
