# make run          a model trained, tested and recommending, on data that the package makes itself
# make test         every check and every test; AUDIT='--ignore-vuln ID' where a known vulnerability does not matter here
# make test-ranges  the tests with the oldest and with the newest dependencies allowed; TORCH=VERSION+cpu chooses the build of PyTorch
# make clean        removes what the others made

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Threads that wait must not spin: see docs/decisions/0009-passive-threads.md.
export OMP_WAIT_POLICY ?= PASSIVE

# Processes that run the tests.
WORKERS ?= 2

.PHONY: run test bench test-ranges clean

run: $(VENV)/installed
	$(BIN)/turret train bpr demo

# All checks run, whatever the earlier ones found; the tests come last, so that their summary ends the output.
test: $(VENV)/installed-test
	@status=0; \
	$(BIN)/ruff check . || status=1; \
	$(BIN)/ruff format --check . || status=1; \
	$(BIN)/mypy || status=1; \
	$(BIN)/lint-imports || status=1; \
	$(BIN)/python tools/audit.py $(AUDIT) || status=1; \
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadgroup || status=1; \
	exit $$status

bench: $(VENV)/installed-test
	$(BIN)/python -m bench.peers $(CASE)

test-ranges: $(VENV)/installed-test
	$(BIN)/python -m tools.ranges $(if $(TORCH),--torch $(TORCH))

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Turret needs Python 3.10 or later")'
	$(PYTHON) -m venv $(VENV)

# The stamps say that the package is installed as pyproject.toml now asks; the install is editable, so the sources need no stamp.
$(VENV)/installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/installed-test: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $@ $(VENV)/installed

clean:
	rm -rf $(VENV) $(VENV)-oldest $(VENV)-newest runs .bench build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
