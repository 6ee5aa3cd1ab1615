# The five words: demo, run, test, check, bench.
.PHONY: help demo run test check bench lock

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python

help:
	@echo "make demo, run, test, check or bench: README.md says what each does."

# The virtual environment is made anew when what it must hold has changed.
$(VENV)/made: config/requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 is needed, or newer: make PYTHON=python3.11 …"; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

demo: $(VENV)/made
	@$(RUN) -m bench.demo

run: $(VENV)/made
	@$(RUN) -m config.stack $(if $(PORT),--port $(PORT))

# One more at a time than there are cores, since many tests wait for leases to end.
test: $(VENV)/made
	$(RUN) -m pytest -n $$(($$(nproc) + 1)) --dist worksteal

check: $(VENV)/made
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy

bench: $(VENV)/made
	@$(RUN) -m bench

# Write the locks anew after a change of pyproject.toml; needs uv.
lock:
	uv pip compile --universal --generate-hashes --no-header --no-annotate --python-version 3.11 \
		pyproject.toml -o config/requirements.txt
	uv pip compile --universal --generate-hashes --no-header --no-annotate --python-version 3.11 \
		--group dev pyproject.toml -o config/requirements-dev.txt
