# The commands of this project. `make demo` and `make test` are all that most people need.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PY := .venv/bin/python
CLUSTER := python3 hack/cluster
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help
help: ## Show the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | column -t -s '|'

.PHONY: demo demo-down kubeconfig
demo: .venv/ready ## Import real videos on a real Kubernetes on this machine, and show it
	@$(PY) hack/demo up

demo-down: ## Take the demo and its cluster away; what was built stays cached
	@python3 hack/demo down

kubeconfig: ## Print the path of the cluster's kubeconfig
	@$(CLUSTER) kubeconfig

.PHONY: test unit-test worker-test controller-test chart-test e2e-test
test: .venv/ready ## Run every layer of tests (one: unit-test, chart-test, worker-test, controller-test, e2e-test)
	@$(PY) hack/test all

unit-test worker-test controller-test chart-test e2e-test: .venv/ready
	@$(PY) hack/test $(@:-test=)

.PHONY: bench-video bench-bulk
bench-video: .venv/ready ## Measure one video against the staged script, side by side (14 minutes; ROUNDS=1 for 4)
	@hack/prerequisites ffmpeg
	@$(PY) benchmarks/video.py

bench-bulk: .venv/ready ## Measure what a bulk of ITEMS=1000 costs the controller, on simulated nodes (2 minutes)
	@$(PY) benchmarks/bulk.py

.PHONY: lint format generate lock
lint: .venv/ready ## Check style, types, import contracts, generated files and the chart
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	MYPYPATH=hack .venv/bin/mypy hack/cluster hack/demo
	.venv/bin/lint-imports
	$(PY) -m videoimport.crdgen --check
	$$($(CLUSTER) tool helm) lint --quiet --strict charts/videoimport

format: .venv/ready ## Format the code
	.venv/bin/ruff check --fix --quiet .
	.venv/bin/ruff format .

generate: .venv/ready ## Write crds/, the chart's copies and docs/reasons.md from the models
	$(PY) -m videoimport.crdgen

lock: ## Resolve pyproject.toml into locks/ (needs uv)
	hack/lock

.venv/ready: locks/dev.txt pyproject.toml
	@hack/prerequisites python3-venv
	@echo "making .venv from locks/dev.txt (about 40 s)"
	@python3 -m venv --clear .venv
	@.venv/bin/pip install --quiet --require-hashes --requirement locks/dev.txt
	@.venv/bin/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
