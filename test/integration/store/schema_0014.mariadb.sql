CREATE TABLE `account_credentials_encrypted` (
  `account_id` bigint(20) NOT NULL,
  `api_key_enc` text NOT NULL,
  `secret_enc` text NOT NULL,
  `passphrase_enc` text DEFAULT NULL,
  `key_id` varchar(32) NOT NULL,
  `fingerprint` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `created_at` datetime(6) NOT NULL,
  `updated_at` datetime(6) NOT NULL,
  `exchange_owner` varchar(64) DEFAULT NULL,
  PRIMARY KEY (`account_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `account_leases` (
  `account_id` bigint(20) NOT NULL,
  `owner` varchar(64) NOT NULL DEFAULT '',
  `token` bigint(20) NOT NULL DEFAULT 0,
  `expires_at` datetime(6) NOT NULL,
  PRIMARY KEY (`account_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `account_risk_state` (
  `account_id` bigint(20) NOT NULL,
  `allow_new_positions` tinyint(1) NOT NULL DEFAULT 1,
  `created_at` datetime(6) NOT NULL,
  `updated_at` datetime(6) NOT NULL,
  PRIMARY KEY (`account_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `account_strategy_risk_state` (
  `account_id` bigint(20) NOT NULL,
  `strategy_id` bigint(20) NOT NULL,
  `allow_new_positions` tinyint(1) NOT NULL DEFAULT 1,
  `created_at` datetime(6) NOT NULL,
  `updated_at` datetime(6) NOT NULL,
  PRIMARY KEY (`account_id`,`strategy_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `account_streams` (
  `account_id` bigint(20) NOT NULL,
  `head_seq` bigint(20) NOT NULL DEFAULT 0,
  `lease_token` bigint(20) NOT NULL DEFAULT 0,
  PRIMARY KEY (`account_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `accounts` (
  `id` bigint(20) NOT NULL,
  `exchange_id` varchar(64) NOT NULL,
  `is_testnet` tinyint(1) NOT NULL DEFAULT 0,
  `label` varchar(128) NOT NULL,
  `position_mode` varchar(16) NOT NULL DEFAULT 'hedge',
  `extra_config_json` mediumtext DEFAULT NULL,
  `reconcile_enabled` tinyint(1) NOT NULL DEFAULT 1,
  `reconcile_short_interval_seconds` int(11) DEFAULT NULL,
  `reconcile_short_lookback_seconds` int(11) DEFAULT NULL,
  `reconcile_hourly_interval_seconds` int(11) DEFAULT NULL,
  `reconcile_hourly_lookback_seconds` int(11) DEFAULT NULL,
  `reconcile_long_interval_seconds` int(11) DEFAULT NULL,
  `reconcile_long_lookback_seconds` int(11) DEFAULT NULL,
  `dispatcher_worker_hint` int(11) DEFAULT NULL,
  `dispatcher_hint_updated_at` datetime(6) DEFAULT NULL,
  `raw_storage_mode` varchar(16) NOT NULL DEFAULT 'shared',
  `pool_id` int(11) NOT NULL DEFAULT 0,
  `status` varchar(32) NOT NULL DEFAULT 'active',
  `trader_name` varchar(128) DEFAULT NULL,
  `quarantine` varchar(64) DEFAULT NULL,
  `environment` varchar(16) NOT NULL,
  `live_enabled` tinyint(1) NOT NULL DEFAULT 0,
  `created_at` datetime(6) NOT NULL,
  PRIMARY KEY (`id`),
  KEY `ix_accounts_status` (`status`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `api_key_account_permissions` (
  `api_key_id` bigint(20) NOT NULL,
  `account_id` bigint(20) NOT NULL,
  `can_read` tinyint(1) NOT NULL DEFAULT 1,
  `can_trade` tinyint(1) NOT NULL DEFAULT 0,
  `can_close_position` tinyint(1) NOT NULL DEFAULT 0,
  `can_risk_manage` tinyint(1) NOT NULL DEFAULT 0,
  `can_block_new_positions` tinyint(1) NOT NULL DEFAULT 0,
  `can_block_account` tinyint(1) NOT NULL DEFAULT 0,
  `restrict_to_strategies` tinyint(1) NOT NULL DEFAULT 0,
  `status` varchar(32) NOT NULL DEFAULT 'active',
  `created_at` datetime(6) NOT NULL,
  `updated_at` datetime(6) NOT NULL,
  PRIMARY KEY (`api_key_id`,`account_id`),
  KEY `ix_api_key_account_permissions_account_id` (`account_id`),
  CONSTRAINT `fk_api_key_account_permissions_account_id` FOREIGN KEY (`account_id`) REFERENCES `accounts` (`id`),
  CONSTRAINT `fk_api_key_account_permissions_api_key_id` FOREIGN KEY (`api_key_id`) REFERENCES `user_api_keys` (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `api_key_strategy_permissions` (
  `api_key_id` bigint(20) NOT NULL,
  `account_id` bigint(20) NOT NULL,
  `strategy_id` bigint(20) NOT NULL,
  `can_read` tinyint(1) NOT NULL DEFAULT 1,
  `can_trade` tinyint(1) NOT NULL DEFAULT 1,
  `status` varchar(32) NOT NULL DEFAULT 'active',
  `created_at` datetime(6) NOT NULL,
  PRIMARY KEY (`api_key_id`,`account_id`,`strategy_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `api_key_usage` (
  `api_key_id` bigint(20) NOT NULL,
  `account_id` bigint(20) NOT NULL,
  `day` date NOT NULL,
  `notional` decimal(36,18) NOT NULL DEFAULT 0.000000000000000000,
  PRIMARY KEY (`api_key_id`,`account_id`,`day`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `audit_chain` (
  `id` bigint(20) NOT NULL,
  `length` bigint(20) NOT NULL,
  `hash` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `audit_log` (
  `id` bigint(20) NOT NULL,
  `account_id` bigint(20) DEFAULT NULL,
  `actor` varchar(128) NOT NULL,
  `actor_user_id` bigint(20) DEFAULT NULL,
  `actor_api_key_id` bigint(20) DEFAULT NULL,
  `actor_role` varchar(32) DEFAULT NULL,
  `actor_ip` varchar(45) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin DEFAULT NULL,
  `action` varchar(64) NOT NULL,
  `entity` varchar(64) NOT NULL,
  `entity_id` varchar(64) NOT NULL,
  `before_json` mediumtext DEFAULT NULL,
  `after_json` mediumtext DEFAULT NULL,
  `comment` varchar(255) DEFAULT NULL,
  `request_id` varchar(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin DEFAULT NULL,
  `prev_hash` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin DEFAULT NULL,
  `hash` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin DEFAULT NULL,
  `created_at` datetime(6) NOT NULL,
  `chain_no` bigint(20) DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `ux_audit_log_chain_no` (`chain_no`),
  KEY `ix_audit_log_account_id` (`account_id`,`id`),
  KEY `ix_audit_log_actor_user_id` (`actor_user_id`,`id`),
  KEY `ix_audit_log_entity` (`entity`,`entity_id`),
  KEY `ix_audit_log_created_at` (`created_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `auth_tokens` (
  `id` bigint(20) NOT NULL,
  `user_id` bigint(20) NOT NULL,
  `api_key_id` bigint(20) NOT NULL,
  `token_hash` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `status` varchar(32) NOT NULL DEFAULT 'active',
  `expires_at` datetime(6) DEFAULT NULL,
  `last_used_at` datetime(6) DEFAULT NULL,
  `last_used_ip` varchar(45) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin DEFAULT NULL,
  `created_at` datetime(6) NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `uq_auth_tokens_token_hash` (`token_hash`),
  KEY `ix_auth_tokens_api_key_id` (`api_key_id`),
  KEY `ix_auth_tokens_user_id` (`user_id`),
  KEY `ix_auth_tokens_expires_at` (`expires_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `ccxt_orders_raw` (
  `id` bigint(20) NOT NULL,
  `account_id` bigint(20) NOT NULL,
  `exchange_id` varchar(64) NOT NULL,
  `exchange_order_id` varchar(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin DEFAULT NULL,
  `client_order_id` varchar(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin DEFAULT NULL,
  `symbol` varchar(64) DEFAULT NULL,
  `raw_json` mediumtext NOT NULL,
  `fingerprint_hash` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `observed_at` datetime(6) NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `uq_ccxt_orders_raw_fingerprint` (`account_id`,`exchange_id`,`fingerprint_hash`),
  KEY `ix_ccxt_orders_raw_observed` (`account_id`,`observed_at`),
  KEY `ix_ccxt_orders_raw_page` (`account_id`,`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `ccxt_trades_raw` (
  `id` bigint(20) NOT NULL,
  `account_id` bigint(20) NOT NULL,
  `exchange_id` varchar(64) NOT NULL,
  `exchange_trade_id` varchar(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `exchange_order_id` varchar(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin DEFAULT NULL,
  `symbol` varchar(64) NOT NULL,
  `raw_json` mediumtext NOT NULL,
  `fingerprint_hash` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `observed_at` datetime(6) NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `uq_ccxt_trades_raw_trade` (`account_id`,`exchange_id`,`symbol`,`exchange_trade_id`),
  KEY `ix_ccxt_trades_raw_observed` (`account_id`,`observed_at`),
  KEY `ix_ccxt_trades_raw_page` (`account_id`,`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `discrepancies` (
  `id` bigint(20) NOT NULL,
  `account_id` bigint(20) NOT NULL,
  `class` varchar(32) NOT NULL,
  `symbol` varchar(64) DEFAULT NULL,
  `subject` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `status` varchar(16) NOT NULL,
  `policy` varchar(16) NOT NULL,
  `evidence_json` mediumtext NOT NULL,
  `fix_json` mediumtext DEFAULT NULL,
  `first_seen` datetime(6) NOT NULL,
  `last_seen` datetime(6) NOT NULL,
  `decided_by` varchar(128) DEFAULT NULL,
  `comment` varchar(255) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `ix_discrepancies_account_id` (`account_id`,`status`,`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `event_outbox` (
  `id` bigint(20) NOT NULL,
  `account_id` bigint(20) NOT NULL,
  `seq` bigint(20) NOT NULL,
  `seq_to` bigint(20) NOT NULL,
  `strategy_id` bigint(20) NOT NULL DEFAULT 0,
  `namespace` varchar(32) NOT NULL,
  `event_type` varchar(64) NOT NULL,
  `payload_json` mediumtext NOT NULL,
  `created_at` datetime(6) NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `uq_event_outbox_seq_to` (`account_id`,`seq_to`),
  KEY `ix_event_outbox_created_at` (`created_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `id_blocks` (
  `name` varchar(64) NOT NULL,
  `next_id` bigint(20) NOT NULL,
  `block` int(11) NOT NULL DEFAULT 100,
  PRIMARY KEY (`name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `idempotency_keys` (
  `scope_hash` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `fingerprint` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `status` varchar(16) NOT NULL,
  `http_status` smallint(6) DEFAULT NULL,
  `response_json` mediumtext DEFAULT NULL,
  `command_ids` mediumtext DEFAULT NULL,
  `expires_at` datetime(6) NOT NULL,
  `created_at` datetime(6) NOT NULL,
  PRIMARY KEY (`scope_hash`),
  KEY `ix_idempotency_keys_expires_at` (`expires_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `installation` (
  `tag` varchar(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  PRIMARY KEY (`tag`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `kill_switches` (
  `id` bigint(20) NOT NULL,
  `scope` varchar(16) NOT NULL,
  `scope_id` varchar(64) NOT NULL,
  `mode` varchar(16) NOT NULL,
  `comment` varchar(255) NOT NULL,
  `cancel_entries` tinyint(1) NOT NULL,
  `flatten` tinyint(1) NOT NULL,
  `is_on` tinyint(1) NOT NULL,
  `set_by` varchar(128) NOT NULL,
  `set_by_user_id` bigint(20) DEFAULT NULL,
  `set_by_api_key_id` bigint(20) DEFAULT NULL,
  `released_at` datetime(6) DEFAULT NULL,
  `released_by` varchar(128) DEFAULT NULL,
  `release_comment` varchar(255) DEFAULT NULL,
  `created_at` datetime(6) NOT NULL,
  PRIMARY KEY (`id`),
  KEY `ix_kill_switches_on` (`is_on`,`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `login_attempts` (
  `id` bigint(20) NOT NULL,
  `user_name` varchar(128) NOT NULL,
  `ip` varchar(45) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `ok` tinyint(1) NOT NULL,
  `created_at` datetime(6) NOT NULL,
  PRIMARY KEY (`id`),
  KEY `ix_login_attempts_user_name` (`user_name`,`created_at`),
  KEY `ix_login_attempts_ip` (`ip`,`created_at`),
  KEY `ix_login_attempts_created_at` (`created_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `oms_commands` (
  `id` bigint(20) NOT NULL,
  `account_id` bigint(20) NOT NULL,
  `command_type` varchar(32) NOT NULL,
  `request_id` varchar(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin DEFAULT NULL,
  `idempotency_key` varchar(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin DEFAULT NULL,
  `fingerprint` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `payload_json` mediumtext NOT NULL,
  `status` varchar(32) NOT NULL,
  `error_json` mediumtext DEFAULT NULL,
  `result_json` mediumtext DEFAULT NULL,
  `order_id` bigint(20) DEFAULT NULL,
  `after_command_id` bigint(20) DEFAULT NULL,
  `hold_until` datetime(6) DEFAULT NULL,
  `attempts` int(11) NOT NULL DEFAULT 0,
  `actor_user_id` bigint(20) DEFAULT NULL,
  `actor_api_key_id` bigint(20) DEFAULT NULL,
  `actor_role` varchar(32) DEFAULT NULL,
  `actor_ip` varchar(45) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin DEFAULT NULL,
  `comment` varchar(255) DEFAULT NULL,
  `lease_token` bigint(20) DEFAULT NULL,
  `started_at` datetime(6) DEFAULT NULL,
  `finished_at` datetime(6) DEFAULT NULL,
  `created_at` datetime(6) NOT NULL,
  `updated_at` datetime(6) NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `uq_oms_commands_request_id` (`account_id`,`request_id`),
  KEY `ix_oms_commands_page` (`account_id`,`id`),
  KEY `ix_oms_commands_queue` (`status`,`account_id`,`created_at`,`id`),
  KEY `ix_oms_commands_type` (`command_type`,`created_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `oms_deals` (
  `id` bigint(20) NOT NULL,
  `account_id` bigint(20) NOT NULL,
  `order_id` bigint(20) DEFAULT NULL,
  `position_id` bigint(20) NOT NULL,
  `previous_position_id` bigint(20) DEFAULT NULL,
  `symbol` varchar(64) NOT NULL,
  `side` varchar(8) NOT NULL,
  `qty` decimal(36,18) NOT NULL,
  `price` decimal(36,18) NOT NULL,
  `fee` decimal(36,18) DEFAULT NULL,
  `fee_currency` varchar(32) DEFAULT NULL,
  `pnl` decimal(36,18) DEFAULT NULL,
  `strategy_id` bigint(20) NOT NULL DEFAULT 0,
  `reason` varchar(32) NOT NULL DEFAULT 'api',
  `comment` varchar(255) DEFAULT NULL,
  `reconciled` tinyint(1) NOT NULL DEFAULT 1,
  `exchange_trade_id` varchar(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin DEFAULT NULL,
  `leg` smallint(6) NOT NULL DEFAULT 0,
  `entry` varchar(8) NOT NULL,
  `type` varchar(16) NOT NULL DEFAULT 'trade',
  `provisional` tinyint(1) NOT NULL DEFAULT 0,
  `origin` varchar(32) NOT NULL,
  `liquidity` varchar(8) DEFAULT NULL,
  `exchange_order_id` varchar(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin DEFAULT NULL,
  `signal_id` bigint(20) DEFAULT NULL,
  `executed_at` datetime(6) NOT NULL,
  `created_at` datetime(6) NOT NULL,
  `exchange_sequence` bigint(20) NOT NULL DEFAULT 0,
  PRIMARY KEY (`id`),
  UNIQUE KEY `uq_oms_deals_exchange_trade_id` (`account_id`,`symbol`,`exchange_trade_id`,`leg`),
  KEY `ix_oms_deals_executed_at` (`account_id`,`executed_at`),
  KEY `ix_oms_deals_order_id` (`order_id`),
  KEY `ix_oms_deals_page` (`account_id`,`id`),
  KEY `ix_oms_deals_position_id` (`position_id`),
  KEY `ix_oms_deals_folding` (`account_id`,`symbol`,`executed_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `oms_order_attempts` (
  `order_id` bigint(20) NOT NULL,
  `attempt` int(11) NOT NULL,
  `kind` varchar(16) NOT NULL,
  `account_id` bigint(20) NOT NULL,
  `client_id` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `request_json` mediumtext NOT NULL,
  `exchange_order_id` varchar(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin DEFAULT NULL,
  `may_send_until` datetime(6) NOT NULL,
  `sent_at` datetime(6) DEFAULT NULL,
  `acked_at` datetime(6) DEFAULT NULL,
  `outcome` varchar(16) DEFAULT NULL,
  `code` varchar(64) DEFAULT NULL,
  `created_at` datetime(6) NOT NULL,
  PRIMARY KEY (`order_id`,`attempt`,`kind`),
  UNIQUE KEY `uq_oms_order_attempts_client_id` (`client_id`,`kind`),
  KEY `ix_oms_order_attempts_exchange_order_id` (`exchange_order_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `oms_orders` (
  `id` bigint(20) NOT NULL,
  `command_id` bigint(20) DEFAULT NULL,
  `account_id` bigint(20) NOT NULL,
  `symbol` varchar(64) NOT NULL,
  `side` varchar(8) NOT NULL,
  `order_type` varchar(64) NOT NULL,
  `status` varchar(32) NOT NULL,
  `state` varchar(32) NOT NULL,
  `is_open` tinyint(1) NOT NULL,
  `pending_change` varchar(16) DEFAULT NULL,
  `strategy_id` bigint(20) NOT NULL DEFAULT 0,
  `position_id` bigint(20) NOT NULL DEFAULT 0,
  `previous_position_id` bigint(20) DEFAULT NULL,
  `reason` varchar(32) NOT NULL DEFAULT 'api',
  `comment` varchar(255) DEFAULT NULL,
  `client_order_id` varchar(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin DEFAULT NULL,
  `exchange_order_id` varchar(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin DEFAULT NULL,
  `qty` decimal(36,18) NOT NULL,
  `price` decimal(36,18) DEFAULT NULL,
  `stop_loss` decimal(36,18) DEFAULT NULL,
  `stop_gain` decimal(36,18) DEFAULT NULL,
  `filled_qty` decimal(36,18) NOT NULL DEFAULT 0.000000000000000000,
  `avg_fill_price` decimal(36,18) DEFAULT NULL,
  `fill_value` varchar(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL DEFAULT '0',
  `fees_json` mediumtext NOT NULL,
  `reconciled` tinyint(1) NOT NULL DEFAULT 1,
  `edit_replace_state` varchar(32) DEFAULT NULL,
  `edit_replace_at` datetime(6) DEFAULT NULL,
  `edit_replace_orphan_order_id` bigint(20) DEFAULT NULL,
  `edit_replace_origin_order_id` bigint(20) DEFAULT NULL,
  `reduce_only` tinyint(1) NOT NULL DEFAULT 0,
  `post_only` tinyint(1) NOT NULL DEFAULT 0,
  `new_position` tinyint(1) NOT NULL DEFAULT 0,
  `time_in_force` varchar(8) DEFAULT NULL,
  `trigger_price` decimal(36,18) DEFAULT NULL,
  `expires_at` datetime(6) DEFAULT NULL,
  `params_json` mediumtext DEFAULT NULL,
  `fingerprint` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL DEFAULT '',
  `reject_source` varchar(16) DEFAULT NULL,
  `reject_code` varchar(64) DEFAULT NULL,
  `reject_message` varchar(255) DEFAULT NULL,
  `replaced_by` bigint(20) DEFAULT NULL,
  `group_id` bigint(20) DEFAULT NULL,
  `parent_order_id` bigint(20) DEFAULT NULL,
  `signal_id` bigint(20) DEFAULT NULL,
  `triggered_at` datetime(6) DEFAULT NULL,
  `submitted_at` datetime(6) DEFAULT NULL,
  `last_fill_at` datetime(6) DEFAULT NULL,
  `version` int(11) NOT NULL DEFAULT 1,
  `created_at` datetime(6) NOT NULL,
  `updated_at` datetime(6) NOT NULL,
  `closed_at` datetime(6) DEFAULT NULL,
  `ticket_id` bigint(20) NOT NULL DEFAULT 0,
  `trailing_amount` decimal(36,18) DEFAULT NULL,
  `trailing_percent` decimal(36,18) DEFAULT NULL,
  `provisional_qty` decimal(36,18) NOT NULL DEFAULT 0.000000000000000000,
  PRIMARY KEY (`id`),
  UNIQUE KEY `uq_oms_orders_client_order_id` (`account_id`,`client_order_id`),
  UNIQUE KEY `uq_oms_orders_exchange_order_id` (`account_id`,`symbol`,`exchange_order_id`),
  KEY `ix_oms_orders_open` (`account_id`,`is_open`,`id`),
  KEY `ix_oms_orders_page` (`account_id`,`id`),
  KEY `ix_oms_orders_strategy_id` (`strategy_id`,`updated_at`),
  KEY `ix_oms_orders_updated_at` (`account_id`,`updated_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `oms_positions` (
  `id` bigint(20) NOT NULL,
  `account_id` bigint(20) NOT NULL,
  `symbol` varchar(64) NOT NULL,
  `strategy_id` bigint(20) NOT NULL DEFAULT 0,
  `side` varchar(8) NOT NULL,
  `qty` decimal(36,18) NOT NULL,
  `avg_price` decimal(36,18) NOT NULL,
  `cost_exact` text NOT NULL,
  `exit_exact` text NOT NULL,
  `stop_loss` decimal(36,18) DEFAULT NULL,
  `stop_gain` decimal(36,18) DEFAULT NULL,
  `state` varchar(16) NOT NULL,
  `reason` varchar(32) NOT NULL DEFAULT 'api',
  `comment` varchar(255) DEFAULT NULL,
  `identifier` bigint(20) NOT NULL,
  `previous_position_id` bigint(20) DEFAULT NULL,
  `qty_opened` decimal(36,18) NOT NULL,
  `qty_closed` decimal(36,18) NOT NULL,
  `max_qty` decimal(36,18) NOT NULL,
  `profit` decimal(36,18) NOT NULL,
  `realized_pnl` decimal(36,18) NOT NULL,
  `fees` mediumtext NOT NULL,
  `funding` decimal(36,18) NOT NULL,
  `close_price` decimal(36,18) DEFAULT NULL,
  `close_reason` varchar(32) DEFAULT NULL,
  `merged_into` bigint(20) DEFAULT NULL,
  `external` tinyint(1) NOT NULL DEFAULT 0,
  `version` int(11) NOT NULL,
  `opened_at` datetime(6) NOT NULL,
  `created_at` datetime(6) NOT NULL,
  `updated_at` datetime(6) NOT NULL,
  `closed_at` datetime(6) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `ix_oms_positions_page` (`account_id`,`id`),
  KEY `ix_oms_positions_state` (`account_id`,`state`,`symbol`),
  KEY `ix_oms_positions_updated_at` (`account_id`,`updated_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `paper_orders` (
  `account_id` bigint(20) NOT NULL,
  `exchange_order_id` varchar(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `order_json` mediumtext NOT NULL,
  PRIMARY KEY (`account_id`,`exchange_order_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `paper_prices` (
  `account_id` bigint(20) NOT NULL,
  `symbol` varchar(64) NOT NULL,
  `price_json` mediumtext NOT NULL,
  PRIMARY KEY (`account_id`,`symbol`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `paper_state` (
  `account_id` bigint(20) NOT NULL,
  `version` int(11) NOT NULL,
  `state_json` mediumtext NOT NULL,
  `hash` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL DEFAULT '',
  PRIMARY KEY (`account_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `paper_trades` (
  `account_id` bigint(20) NOT NULL,
  `trade_id` varchar(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `symbol` varchar(64) NOT NULL,
  `executed_at` datetime(6) NOT NULL,
  `trade_json` mediumtext NOT NULL,
  PRIMARY KEY (`account_id`,`trade_id`),
  KEY `ix_paper_trades_executed_at` (`account_id`,`executed_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `rate_chunks` (
  `scope` varchar(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `second` bigint(20) NOT NULL,
  `used` bigint(20) NOT NULL,
  PRIMARY KEY (`scope`,`second`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `reconcile_runs` (
  `id` bigint(20) NOT NULL,
  `account_id` bigint(20) NOT NULL,
  `scope` varchar(16) NOT NULL,
  `started_at` datetime(6) NOT NULL,
  `finished_at` datetime(6) NOT NULL,
  `counts_json` mediumtext NOT NULL,
  `error` varchar(255) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `ix_reconcile_runs_account_id` (`account_id`,`id`),
  KEY `ix_reconcile_runs_started_at` (`started_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `reconciliation_cursor` (
  `account_id` bigint(20) NOT NULL,
  `entity` varchar(96) NOT NULL,
  `cursor_value` varchar(255) NOT NULL,
  `updated_at` datetime(6) NOT NULL,
  PRIMARY KEY (`account_id`,`entity`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `strategies` (
  `id` bigint(20) NOT NULL,
  `client_strategy_id` bigint(20) DEFAULT NULL,
  `name` varchar(128) NOT NULL,
  `status` varchar(32) NOT NULL DEFAULT 'active',
  `created_at` datetime(6) NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `uq_strategies_name` (`name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `strategy_accounts` (
  `strategy_id` bigint(20) NOT NULL,
  `account_id` bigint(20) NOT NULL,
  `status` varchar(32) NOT NULL DEFAULT 'active',
  `created_at` datetime(6) NOT NULL,
  PRIMARY KEY (`strategy_id`,`account_id`),
  KEY `ix_strategy_accounts_account_id` (`account_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `user_account_permissions` (
  `user_id` bigint(20) NOT NULL,
  `account_id` bigint(20) NOT NULL,
  `can_read` tinyint(1) NOT NULL DEFAULT 1,
  `can_trade` tinyint(1) NOT NULL DEFAULT 0,
  `can_risk_manage` tinyint(1) NOT NULL DEFAULT 0,
  `created_at` datetime(6) NOT NULL,
  PRIMARY KEY (`user_id`,`account_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `user_api_keys` (
  `id` bigint(20) NOT NULL,
  `user_id` bigint(20) NOT NULL,
  `label` varchar(128) DEFAULT NULL,
  `api_key_hash` varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `key_prefix` varchar(12) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL DEFAULT '',
  `status` varchar(32) NOT NULL DEFAULT 'active',
  `expires_at` datetime(6) DEFAULT NULL,
  `ip_allowlist` mediumtext DEFAULT NULL,
  `max_order_notional` decimal(36,18) DEFAULT NULL,
  `max_day_notional` decimal(36,18) DEFAULT NULL,
  `last_used_at` datetime(6) DEFAULT NULL,
  `last_used_ip` varchar(45) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin DEFAULT NULL,
  `created_at` datetime(6) NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `uq_user_api_keys_api_key_hash` (`api_key_hash`),
  KEY `ix_user_api_keys_user_id` (`user_id`),
  CONSTRAINT `fk_user_api_keys_user_id` FOREIGN KEY (`user_id`) REFERENCES `users` (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `user_password_credentials` (
  `user_id` bigint(20) NOT NULL,
  `password_hash` varchar(255) NOT NULL,
  `created_at` datetime(6) NOT NULL,
  `updated_at` datetime(6) NOT NULL,
  PRIMARY KEY (`user_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `users` (
  `id` bigint(20) NOT NULL,
  `name` varchar(128) NOT NULL,
  `role` varchar(32) NOT NULL DEFAULT 'trader',
  `status` varchar(32) NOT NULL DEFAULT 'active',
  `created_at` datetime(6) NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `uq_users_name` (`name`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE `workers` (
  `worker_id` varchar(64) NOT NULL,
  `host` varchar(128) NOT NULL,
  `heartbeat_at` datetime(6) NOT NULL,
  `status_json` mediumtext NOT NULL,
  PRIMARY KEY (`worker_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
