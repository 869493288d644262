# Every target works from a fresh clone; `make` alone lists them.
.DEFAULT_GOAL := help
PYTHON ?=
export PYTHON

BIN := .venv/bin

.PHONY: help setup demo demo-down test check security bench calls lock clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 20

setup: ## fill .venv from requirements.txt
	@tools/setup

demo: setup ## deploy a complete stack to the embedded cloud and train a model on it (BASE=...: upon another base image)
	@$(BIN)/mlstack demo $(if $(BASE),--base $(BASE))

demo-down: setup ## deregister, destroy and stop what `make demo` made
	@$(BIN)/mlstack demo --down

test: setup ## the whole test suite
	@$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder

check: setup ## format, lint and types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

security: setup ## checkov on what the program declares, against the written exceptions
	@$(BIN)/python -m tools.security

bench: setup ## medians of whole processes, with peak memory
	@$(BIN)/python tools/bench.py

calls: setup ## record the AWS calls of real runs anew, for the tests of least privilege
	@$(BIN)/python -m tools.calls

lock: setup ## resolve pyproject.toml into requirements.txt again
	@$(BIN)/python tools/lock.py

clean: ## remove .venv and everything the demo left
	@rm -rf .venv .mlstack
