# `make` alone lists the targets. Every target sets up what it needs and no more.

.DEFAULT_GOAL := help
.PHONY: help run test check oracle faults cluster-faults acceptance bench interop-freqtrade interop-investing attack image-proof upgrade-proof loopback testnet venues lock docs \
	wheels ui ui-dev clean

PYTHON ?= python3
BIN := .venv/bin
# pytest workers: six for two cores, because tests that wait leave a core idle.
TEST_WORKERS ?= 6
MARIADB := mariadb-server-core mariadb-client-core
HAPROXY := haproxy liblua5.3-0 libopentracing-c-wrapper0 libopentracing1
CLUSTER := $(MARIADB) $(HAPROXY) galera-4 redis-tools
# Without fonts the screenshots of pages show boxes.
BROWSER := chromium fonts-dejavu-core fonts-noto-core
# Without byte code each process would compile what it imports, and each run rewrite all assertions.
unexport PYTHONDONTWRITEBYTECODE

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## start the gateway on SQLite in var/ (OMS_HOST, OMS_PORT; Ctrl-C stops it)
	@$(PYTHON) tools/setup --page
	@$(BIN)/oms up

ui: ## build the web desk into apps/oms/web; a gateway that runs shows it at once
	@$(PYTHON) tools/web_page.py build

ui-dev: ## the web desk's sources with live reload, in front of a running gateway (OMS_GATEWAY)
	@$(PYTHON) tools/setup
	@$(PYTHON) tools/web_page.py dev

# curl: the printed first order is executed as it is. galera-4: one library, for cluster tests.
# redis-tools: the server as well, without a service. faketime: hosts with clocks that differ.
# Databases of tests are kept in memory where there is room: on a disk they mostly wait for fsync.
TEST_FOLDER_KIB_MIN := 4000000
TEST_FOLDER = $(shell test "$$(df --output=avail /dev/shm 2>/dev/null | tail -1)" -gt \
	$(TEST_FOLDER_KIB_MIN) 2>/dev/null && echo /dev/shm)
# Files go to the workers in the order of test/kit/file_order.py: the longest first, others mixed.
test: ## all tests, on SQLite and on a private MariaDB (ARGS="-k name")
	@$(PYTHON) tools/setup --dev $(CLUSTER) faketime prometheus nginx caddy curl $(BROWSER)
	@TMPDIR=$${TMPDIR:-$(TEST_FOLDER)} $(BIN)/pytest -n $(TEST_WORKERS) \
		--dist loadfile --no-loadscope-reorder $(ARGS)

check: ## style, types (the web desk's too, where Node.js is), import contracts, unit and property tests
	@$(PYTHON) tools/setup --dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(PYTHON) tools/web_page.py check
	OMS_TEST_EXAMPLES_PERCENT=20 $(BIN)/pytest -q -n $(TEST_WORKERS) $(wildcard test/unit test/property)

HISTORIES ?= 10000
WHOLE := test/e2e/test_process_kills.py test/e2e/test_signal_kills.py \
	test/unit/adapters/ccxt/sync/test_report_order_independence.py \
	test/integration/ccxt_adapter/streams/test_stream_faults.py \
	test/integration/ccxt_adapter/exchange/test_exchange_limits.py

oracle: ## the ledger, in memory and stored, against its oracle over random histories (HISTORIES=10000)
	@$(PYTHON) tools/setup --dev
	@OMS_TEST_RANDOM=1 ORACLE_HISTORIES=$(HISTORIES) $(BIN)/pytest -q -n $(TEST_WORKERS) \
		test/property/test_ledger_oracle.py test/property/test_ledger_oracle_stored.py

faults: ## the fault runs at full size: workers are killed while an exchange fails (11 minutes)
	@$(PYTHON) tools/setup --dev $(MARIADB)
	@OMS_TEST_WHOLE=1 $(BIN)/pytest -q -s test/e2e/test_fault_run.py $(ARGS)

cluster-faults: ## nodes, proxies, workers, APIs and Redis of a cluster fail under load (ARGS="--seed 1 --seconds 120")
	@$(PYTHON) tools/setup --dev $(CLUSTER)
	@TMPDIR=$${TMPDIR:-$(TEST_FOLDER)} PYTHONPATH=test $(BIN)/python -m kit.cluster.fault_run $(ARGS)

acceptance: ## the rows of docs/domain/acceptance.md that the suite runs smaller, at full size
	@$(PYTHON) tools/setup --dev $(MARIADB)
	@OMS_TEST_WHOLE=1 $(BIN)/pytest -q -s $(WHOLE) $(ARGS)

bench: ## speed as ratios to floors measured in the same run (ARGS="--help", growth, compare, ...)
	@$(PYTHON) tools/setup --dev $(MARIADB) wrk
	@$(BIN)/python test/bench/run.py $(ARGS)

interop-freqtrade: ## freqtrade from PyPI trades spot and futures through a gateway (some minutes)
	@$(PYTHON) tools/setup --dev
	@$(BIN)/python test/interop/freqtrade/run.py $(ARGS)

interop-investing: ## the investing algorithm framework from PyPI trades through a gateway
	@$(PYTHON) tools/setup --dev
	@$(BIN)/python test/interop/investing/run.py $(ARGS)

SEED ?= 1
SIZE ?= 5000

attack: ## the attack programs at full size, with a table of what they found (SEED=1 SIZE=5000)
	@$(PYTHON) tools/setup --dev
	@TMPDIR=$${TMPDIR:-$(TEST_FOLDER)} OMS_TEST_ATTACK_SEED=$(SEED) OMS_TEST_ATTACK_SIZE=$(SIZE) \
		$(BIN)/pytest -q -s test/attack $(ARGS)

image-proof: ## the Dockerfile and the compose file executed without an engine (root, five minutes)
	@$(PYTHON) tools/setup --dev $(MARIADB) debootstrap iproute2
	@$(BIN)/python test/image/prove.py

upgrade-proof: ## an older release runs beside this one on one schema, under load (ARGS="--old COMMIT")
	@$(PYTHON) tools/setup --dev $(MARIADB)
	@TMPDIR=$${TMPDIR:-$(TEST_FOLDER)} $(BIN)/python test/upgrade/prove.py $(ARGS)

loopback: ## an exchange on 127.0.0.1 for tests and demos (ARGS="--walk", --help)
	@$(PYTHON) tools/setup
	@$(BIN)/python tools/loopback $(ARGS)

testnet: ## scripted session at a testnet with your keys: three accounts, from bootstrap to flat
	@$(PYTHON) tools/setup --dev
	@$(BIN)/python test/e2e/testnet/testnet_walk.py

venues: ## write venues.json (environments, hosts, capabilities) from the pinned ccxt
	@$(PYTHON) tools/setup --dev
	@$(BIN)/python tools/generate_venues.py $(ARGS)

COMPILE_OPTIONS := --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --custom-compile-command "make lock"
COMPILE := uv pip compile pyproject.toml $(COMPILE_OPTIONS)

lock: ## write the lock files from pyproject.toml (needs uv; UPGRADE=--upgrade)
	@command -v uv >/dev/null || { echo "uv is missing: python3 -m pip install uv" >&2; exit 2; }
	$(COMPILE) --extra fast --extra redis --extra build --extra stocks --extra notify --extra dev $(UPGRADE) \
		--output-file requirements.lock
	$(COMPILE) --extra fast --extra redis --extra build --no-annotate --constraints requirements.lock \
		--output-file requirements-runtime.lock
	uv pip compile --group pyproject.toml:docs $(COMPILE_OPTIONS) --no-annotate $(UPGRADE) \
		--output-file requirements-docs.lock
	uv pip compile --group pyproject.toml:node $(COMPILE_OPTIONS) --no-annotate $(UPGRADE) \
		--output-file requirements-node.lock

wheels: ## build the wheels of the gateway, with its page, and of the drivers; a built page needs no network
	@$(PYTHON) tools/setup --dev
	@$(PYTHON) tools/web_page.py complete
	@$(BIN)/python -m pip --disable-pip-version-check wheel --quiet --no-deps --no-build-isolation \
		--no-index --wheel-dir dist . ./ccxt_driver ./mt5_driver
	@ls dist/*.whl

# The site has an environment of its own: neither gateway nor tests need what renders it.
DOCS_VENV := build/docs-environment

$(DOCS_VENV)/installed: requirements-docs.lock
	@$(PYTHON) -m venv --clear $(DOCS_VENV)
	@$(DOCS_VENV)/bin/python -m pip --disable-pip-version-check install --quiet --no-deps \
		--require-hashes -r requirements-docs.lock
	@touch $@

docs: $(DOCS_VENV)/installed ## the documentation as a site with search in build/docs; fails on a dead link
	@NO_MKDOCS_2_WARNING=1 $(DOCS_VENV)/bin/python -m mkdocs build --strict
	@echo build/docs/index.html

clean: ## remove .venv, caches and build results; keeps var/
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache build dist \
		apps/oms/web apps/web/node_modules
	find apps ccxt_driver mt5_driver test tools -name __pycache__ -type d -prune -exec rm -rf {} +
