# Each target is one line that calls the real tool; `.venv/bin/python -m tools --help` has the options.
# STACK chooses the stack (make up STACK=prod), BASE a commit (make diff BASE=main), ARGS goes to the tool
# (make up ARGS=--dry-run).
STACK ?= dev
ARGS ?=
BASE ?= main
# The python of .venv: 3.11 if it is installed, else the newest python3 that is accepted (3.11 or later).
PYTHON ?= $(firstword $(foreach version,3.11 3.14 3.13 3.12,$(shell command -v python$(version))) python3)
RUN = .venv/bin/python -m
VENV = .venv/.made
# Three processes: an engine test leaves 40 % of two cores idle. Each has its own cluster (1 GB), and a file stays in one.
# In the order of the files: sorted by size, as xdist does, the long tests on the engine ran last, one after the other.
WORKERS = --numprocesses=3 --dist=loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help up demo down preview diff rehearse refresh status doctor test all-tests check-docs test-fast campaign \
        verify-upstream verify-controllers lint bench docs clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z.-]+:.*## / {printf "make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: $(VENV)  ## deploy the whole platform: tools, simulated cluster, policy check, stack, summary
	@$(RUN) tools up --stack $(STACK) $(ARGS)

demo: $(VENV)  ## dev, its training, an answer of its model, then a change by hand, found and undone
	@$(RUN) tools demo $(ARGS)

down: $(VENV)  ## delete everything that up created
	@$(RUN) tools down --stack $(STACK) $(ARGS)

preview: $(VENV)  ## report of what `up` would change, checked by the policies (ARGS="--format json --out FOLDER")
	@$(RUN) tools preview --allow-look --stack "$(STACK)" $(ARGS)

diff: $(VENV)  ## the same between a commit and the working tree, without credentials (BASE=main STACK=prod)
	@$(RUN) tools diff --allow-look --base "$(BASE)" --stack "$(STACK)" $(ARGS)

rehearse: $(VENV)  ## deploy and delete a cloud stack on a simulated cloud on this computer (STACK=prod)
	@$(RUN) tools rehearse --stack $(if $(filter dev,$(STACK)),prod,$(STACK)) $(ARGS)

refresh: $(VENV)  ## update the state from the cluster and cloud, and list what had drifted
	@$(RUN) tools refresh --stack $(STACK) $(ARGS)

status: $(VENV)  ## what is up, where its state is, whether a run was interrupted
	@$(RUN) tools status --stack $(STACK) $(ARGS)

doctor: $(VENV)  ## which tools are used, from where, and what is missing
	@$(RUN) tools doctor $(ARGS)

test: $(VENV)  ## everything: lint, types, docs, unit tests and the tests on the real engine and API server
	@$(RUN) tools install
	@$(MAKE) --no-print-directory --jobs=2 lint check-docs all-tests

all-tests: $(VENV)
	@$(RUN) pytest $(WORKERS) $(ARGS)

check-docs: $(VENV)
	@.venv/bin/python docs/generate.py && .venv/bin/zensical build --strict

test-fast: $(VENV)  ## tests that need no engine and no cluster
	@$(RUN) pytest --numprocesses=2 $(addprefix tests/,catalog components docs policies report settings stacks support upstream) $(ARGS)

campaign: $(VENV)  ## the long run: ten kills, 20,000 broken settings, four times the examples of property tests
	@$(RUN) tools install
	@MLPLATFORM_TEST_KILLS=10 MLPLATFORM_FUZZ_EXAMPLES=20000 $(RUN) pytest $(WORKERS) --hypothesis-profile=campaign $(ARGS)

verify-upstream: $(VENV)  ## compare upstream's charts and CRDs with the facts and a real API server (ARGS=--charts=FOLDER)
	@$(RUN) tools verify-upstream $(ARGS)

lint: $(VENV)  ## ruff, strict typing, direction of imports, words of the docs
	@.venv/bin/ruff check . && .venv/bin/ruff format --check . && $(RUN) tools.typings && .venv/bin/mypy && .venv/bin/lint-imports && $(RUN) tools.words

docs: $(VENV)  ## write the reference pages from the code and build the site into build/docs
	@.venv/bin/python docs/generate.py && .venv/bin/zensical build --strict

verify-controllers: $(VENV)  ## run upstream's controllers, built from Go modules, on the platform's objects (ARGS="kserve")
	@$(RUN) tools verify-controllers $(ARGS)

bench: $(VENV)  ## cost of our components and of a refused setting, kept by commit in bench/figures.json; asserts nothing
	@.venv/bin/python bench/figures.py

clean:  ## remove caches and the virtual environment; state and tools stay
	@rm -rf .venv build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis *.egg-info

.venv: $(VENV)  ## the virtual environment, updated when the requirements change

$(VENV): requirements.txt requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "error: $(PYTHON) is too old: 3.11 or later is needed (make PYTHON=/path/to/python3.11)")'
	@test -x .venv/bin/python || $(PYTHON) -m venv .venv
	@echo "making .venv: the Pulumi SDKs and the tools of tests and docs, about two minutes"
	@# pip compiles what it installs: where PYTHONDONTWRITEBYTECODE is set nothing else does, and each run took 6 s longer.
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
