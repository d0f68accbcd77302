# `make help` lists what there is. Everything runs from .venv, which is made from requirements.lock on first use.
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow check contracts reachable bench bench-fleet bench-tasks up down clean lock
PY := .venv/bin/python
CORPUS := $(or $(WAYMARK_CORPUS),../shared/corpus)
# Whatever the shell says: every process that starts would compile the libraries anew.
unexport PYTHONDONTWRITEBYTECODE

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## make .venv from the lock (every target below does it when needed)
	@deploy/environment.sh

demo: setup ## explore two versions of the demo app on two simulated phones
	@$(PY) -m deploy.demo

test: setup ## all tests that fit ten minutes
	@$(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not slow"

test-slow: setup ## the tests that take longer
	@$(PY) -m pytest -n 2 --dist loadfile -m slow

check: setup ## format, lint, types, import rules, unit tests: seconds
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) -m mypy
	@.venv/bin/lint-imports
	@$(PY) -m pytest -q -n 2 --dist loadfile -m "not system and not slow and not thorough"

contracts: setup ## write the JSON Schemas and the AsyncAPI document of contracts/ anew
	@$(PY) -m contracts.generate

reachable: setup ## list anew the states of the recorded apps (in WAYMARK_CORPUS) that an explorer can reach
	@$(PY) -m deploy.simulator.recordings.reachable --into tests/recorded \
		$(addprefix $(CORPUS)/honeynet_droidbot/report_,com.yelp.android com.yanzhenjie.album.sample)

bench: setup ## measure; figures as JSON in build/bench
	@$(PY) -m tests.bench

bench-fleet: setup ## measure forty phones of real speed; figures in build/bench/fleet.json
	@$(PY) -m tests.bench fleet

bench-tasks: setup ## measure tasks in plain language; beside Open-AutoGLM, where OPEN_AUTOGLM names a checkout of it
	@$(PY) -m tests.bench tasks

up: setup ## boot the stack and the services on this machine
	@$(PY) -m deploy.embedded up

down: setup ## stop what `make up` started
	@$(PY) -m deploy.embedded down

clean: ## remove what was built or downloaded; the log and the databases in build/ too
	rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info

lock: setup ## resolve pyproject.toml anew into requirements.lock; of it, deploy/image.lock and uv's own deploy/bootstrap.lock
	@UV_CUSTOM_COMPILE_COMMAND="make lock" $(PY) -m uv pip compile -q --universal --python-version 3.11 --all-extras \
		--generate-hashes --no-emit-index-url --no-emit-find-links -o requirements.lock pyproject.toml
	@grep -E '^uv==' requirements.lock | cut -d' ' -f1 | UV_CUSTOM_COMPILE_COMMAND="make lock" \
		$(PY) -m uv pip compile -q --universal --python-version 3.11 --no-annotate \
		--generate-hashes --no-emit-index-url --no-emit-find-links -o deploy/bootstrap.lock -
	@printf 'setuptools\n' | UV_CUSTOM_COMPILE_COMMAND="make lock" $(PY) -m uv pip compile -q --universal --python-version 3.11 \
		--no-annotate --generate-hashes --no-emit-index-url --no-emit-find-links -c requirements.lock -o deploy/image.lock \
		pyproject.toml -
