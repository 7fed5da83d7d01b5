# Needs Python 3.11+, pip and make; everything else is installed into .venv from the hash-pinned lock.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test coverage test-random test-slow bench check format lock screenshots clean

demo: $(READY)  ## the whole job on real data, in a browser (MODELWATCH_DEMO_HEADLESS=1: without one)
	$(BIN)/modelwatch demo

test: $(READY)  ## every fast test
	MODELWATCH_TEST_KAFKA=$$($(BIN)/python -m tests.kafka.broker) $(BIN)/pytest -n 2 -m "not slow"

coverage: $(READY)  ## the same, and which lines they run: takes half as long again
	MODELWATCH_TEST_KAFKA=$$($(BIN)/python -m tests.kafka.broker) \
		$(BIN)/pytest -n 2 -m "not slow" --cov --cov-report=term

test-random: $(READY)  ## the property tests, on examples that nobody has seen
	$(BIN)/pytest -n 2 -m "not slow" --hypothesis-profile=random $$(grep -rl "@given" tests sdk)

test-slow: $(READY)  ## the suites that take minutes: crashes, the demo, browsers
	MODELWATCH_TEST_KAFKA=$$($(BIN)/python -m tests.kafka.broker) $(BIN)/pytest -m slow --timeout 900

bench: $(READY)  ## every benchmark, with its peers
	$(BIN)/python -m benchmarks

check: $(READY)  ## format, lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

screenshots: $(READY)  ## the documentation's pictures, from a demo that runs
	$(BIN)/python docs/screenshots.py

lock: $(READY)  ## re-pin every dependency with its hashes
	$(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-header --no-annotate --python-version 3.11 \
		--extra demo --extra dev pyproject.toml -o requirements.lock

# --no-deps: the lock is complete, and pip cannot check hashes of a requirement with extras (pandas[parquet]).
$(READY): requirements.lock pyproject.toml sdk/pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . -e sdk
	touch $(READY)

clean:
	rm -rf $(VENV) .modelwatch .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage
