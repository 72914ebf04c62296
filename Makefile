# The commands of this project. `make try`, `make demo` and `make test` are all that most people need.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PY := .venv/bin/python
CLUSTER := python3 hack/cluster
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help
help: ## Show the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | column -t -s '|'

.PHONY: try
try: .venv/ready ## Import four videos from a site on this machine, without a cluster (2 minutes)
	@hack/prerequisites ffmpeg
	@$(PY) hack/try

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

.PHONY: full-test
full-test: .venv/ready ## Run every test: also what is too long for `make test`, which names it in its totals (1 hour)
	@VIDEOIMPORT_TEST_FULL=1 $(PY) hack/test all

.PHONY: stops-test
stops-test: .venv/ready ## Stop imports, listings and deliveries at many random moments (MOMENTS=200 of each: 30 minutes; SEED=9)
	@hack/prerequisites ffmpeg
	@$(CLUSTER) tool versitygw > /dev/null
	@VIDEOIMPORT_TEST_FULL=1 VIDEOIMPORT_TEST_MOMENTS=$(or $(MOMENTS),200) VIDEOIMPORT_TEST_SEED=$(or $(SEED),9) .venv/bin/pytest tests/worker/test_stops.py -s

.PHONY: embedded-test
embedded-test: .venv/ready ## Kill a bulk in embedded mode at random moments and run it again (ITEMS=200: 10 minutes; SEED=9)
	@hack/prerequisites ffmpeg
	@VIDEOIMPORT_TEST_EMBEDDED_ITEMS=$(or $(ITEMS),200) VIDEOIMPORT_TEST_SEED=$(or $(SEED),9) .venv/bin/pytest -q -s tests/worker/test_embedded_kills.py

.PHONY: mutations-test
mutations-test: .venv/ready ## Import into a store whose answers are changed at random, other ways each time (MUTATIONS=1000: 20 minutes)
	@$(CLUSTER) tool versitygw > /dev/null
	@VIDEOIMPORT_TEST_EXPLORE=1 VIDEOIMPORT_TEST_MUTATIONS=$(or $(MUTATIONS),1000) .venv/bin/pytest -q tests/worker/test_mutated_store.py

.PHONY: alike-test
alike-test: .venv/ready ## Run the e2e layer, and compare each final status with that of the embedded mode (20 minutes)
	@VIDEOIMPORT_TEST_ALIKE=1 $(PY) hack/test e2e

.PHONY: upload-test
upload-test: .venv/ready ## Upload 1 GiB to the cluster while the client is killed twice and the worker once (10 minutes)
	@$(PY) hack/demo prepare --namespace e2e
	@VIDEOIMPORT_TEST_LARGE_UPLOAD=1 .venv/bin/pytest -q -s tests/e2e/test_large_upload.py

.PHONY: explore-test
explore-test: .venv/ready ## Run the unit layer with all examples of each property, others in each run (2 minutes)
	@VIDEOIMPORT_TEST_EXPLORE=1 $(PY) hack/test unit

.PHONY: stores-test
stores-test: .venv/ready ## Run uploads and sources against six object stores, and write docs/stores.md (STORES=moto,rclone)
	@hack/prerequisites ffmpeg
	@$(PY) hack/stores-test $(STORES)

.PHONY: python-test
python-test: .venv/ready ## Run the unit tests with each supported Python that can be had here (Debian 13 has 3.13)
	@$(PY) hack/python-test
.PHONY: differential-test
differential-test: .venv/ready ## Compare imports of a whole matrix of files with plain decodes by ffmpeg (10 minutes; CASES='turned*')
	@hack/prerequisites ffmpeg
	@$(CLUSTER) tool versitygw > /dev/null
	@VIDEOIMPORT_TEST_DIFFERENTIAL='$(or $(CASES),*)' .venv/bin/pytest -q tests/worker/test_differential.py


.PHONY: matrix-test
matrix-test: .venv/ready ## Run every member of the matrices of which `make test` runs a part: files, ffmpeg versions, memory (15 minutes)
	@hack/prerequisites ffmpeg
	@$(CLUSTER) tool versitygw > /dev/null
	@python3 hack/ffmpegs.py 7.1 > /dev/null
	@python3 hack/ffmpegs.py 9.0 > /dev/null
	@VIDEOIMPORT_TEST_FULL=1 .venv/bin/pytest -q tests/worker/test_corpus.py tests/worker/test_ffmpeg_versions.py tests/worker/test_memory.py

.PHONY: release-test
release-test: full-test explore-test alike-test stops-test embedded-test differential-test stores-test mutations-test python-test ## Run what a release must pass: `make full-test` and every whole matrix

.PHONY: pictures
pictures: .venv/ready ## Make the pictures of the docs from a real run (1 minute)
	@hack/prerequisites ffmpeg chromium
	@$(PY) hack/pictures

.PHONY: bench-video bench-bulk bench-embedded
bench-video: .venv/ready ## Measure one video against the staged script, side by side (14 minutes; ROUNDS=1 for 4)
	@hack/prerequisites ffmpeg
	@$(PY) benchmarks/video.py

bench-bulk: .venv/ready ## Measure what a bulk of ITEMS=1000 costs the controller, on simulated nodes (2 minutes)
	@$(PY) benchmarks/bulk.py

bench-embedded: .venv/ready ## Measure the CPU time of the embedded mode against xargs of a script (ITEMS=20: 2 minutes)
	@hack/prerequisites ffmpeg
	@$(PY) benchmarks/embedded.py --items $(or $(ITEMS),20)

.PHONY: bench-upload
bench-upload: .venv/ready ## Measure an upload of 1 GiB beside `kubectl cp` of the same file, on the cluster (3 minutes; ROUNDS=1)
	@$(PY) hack/demo prepare --namespace uploads
	@$(PY) benchmarks/uploads.py

.PHONY: starvation
starvation: .venv/ready ## Starve a real node, roll the controller out, print restarts, leaders, cancels (8 minutes; STARVATION_SECONDS=240)
	@$(PY) hack/demo prepare --namespace starvation
	@$(PY) benchmarks/starvation.py

.PHONY: check code-check lint prose format generate lock
check: code-check unit-test ## The fast loop: style, types, import contracts, generated files, unit tests

code-check: .venv/ready
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(PY) -m videoimport.crdgen --check
	$(PY) hack/name_rules.py

lint: code-check prose ## Check style, types, import contracts, generated files, the language of the docs and the chart
	MYPYPATH=hack .venv/bin/mypy hack/cluster hack/demo
	$$($(CLUSTER) tool helm) lint --quiet --strict charts/videoimport

prose: ## Check the language of the docs with vale
	@hack/prerequisites gcc g++
	$$($(CLUSTER) tool vale) --glob='*.md' README.md CONTRIBUTING.md CHANGELOG.md docs examples charts hack

format: .venv/ready ## Format the code
	.venv/bin/ruff check --fix --quiet .
	.venv/bin/ruff format .

generate: .venv/ready ## Write crds/, the chart's copies, docs/reasons.md and docs/validation.md from the models
	$(PY) -m videoimport.crdgen

lock: ## Resolve pyproject.toml into locks/ (needs uv; PACKAGE=yt-dlp updates that one alone)
	hack/lock $(PACKAGE)

.venv/ready: locks/dev.txt pyproject.toml
	@hack/prerequisites python3-venv
	@echo "making .venv from locks/dev.txt (about 40 s)"
	@python3 -m venv --clear .venv
	@.venv/bin/pip install --quiet --require-hashes --requirement locks/dev.txt
	@.venv/bin/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
