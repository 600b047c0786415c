# The two commands a newcomer needs: `make demo` and `make test`. The rest is for daily work.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON = "$$(bin/run --uv)" run --frozen --all-packages --all-extras python

.PHONY: help demo test lint unit contract world world-down world-status uv docs

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: ## bring up a whole cloud here and run the main job in it; BREAK=image|crash|probe|secret|quota breaks it
	@$(PYTHON) -m local demo $(if $(BREAK),--break $(BREAK))

test: ## everything: lint, unit, contract, integration and end to end, on the local world
	@$(PYTHON) -m local with -- python -m pytest --numprocesses 2 --dist loadscope

lint: ## ruff, mypy, import-linter, actionlint, zizmor, shellcheck
	@$(PYTHON) -m pytest -q tests/lint

unit: ## tests that open no socket
	@$(PYTHON) -m pytest -q tests/unit tests/contract sops-python/tests

world: ## bring the local cloud up, or find it; prints what to export
	@$(PYTHON) -m local up

world-down: ## end the local cloud and leave nothing behind
	@$(PYTHON) -m local down

world-status: ## what runs, where its log is, what is broken
	@$(PYTHON) -m local status

uv: ## the path of the pinned uv
	@bin/run --uv

docs: ## write the tables of inputs and outputs in the READMEs anew from action.yml
	@$(PYTHON) -m tests.contract.documents
