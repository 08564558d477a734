PYTHON ?= python3
BIN := .venv/bin
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: run test proof soak bench lint audit googlesql image lock clean

run: .venv/.installed          ## the main job over the bundled bars, in virtual time
	$(BIN)/sentinel demo

test: .venv/.dev               ## the test suite
	$(BIN)/pytest -n auto --dist loadscope -m "not proof and not soak" $(PYTEST_EXTRA)

proof: .venv/.dev              ## the promises, short form
	$(BIN)/pytest -n auto --dist loadscope -m proof $(PYTEST_EXTRA)

soak: .venv/.dev               ## the promises, long form, and what is too slow for CI
	$(BIN)/pytest -n auto --dist loadscope -m soak

bench: .venv/.bench            ## figures, as ratios within one run
	$(BIN)/python -m benchmarks

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive src

audit: .venv/.dev              ## known vulnerabilities of what is locked (asks the package index)
	$(BIN)/pip-audit --strict --require-hashes --disable-pip -r requirements-cloud.lock

googlesql: .venv/.dev .venv/googlesql/.installed  ## what BigQuery will be sent, read by GoogleSQL's own analyser
	$(BIN)/python tools/check_googlesql.py describe | .venv/googlesql/bin/python tools/check_googlesql.py

image:                         ## the container image, with whichever engine is there
	@for engine in docker podman buildah; do \
	  "$$engine" info >/dev/null 2>&1 && \
	    BUILDAH_FORMAT=docker exec "$$engine" build --tag crypto-sentinel:local --build-arg REVISION="$$(git rev-parse HEAD)" .; \
	done; echo "neither docker nor podman nor buildah can be used here" >&2; exit 2

.venv/.installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

.venv/.dev: .venv/.installed requirements-dev.lock
	$(BIN)/pip install --quiet --require-hashes -r requirements-dev.lock
	touch $@

.venv/.bench: .venv/.dev requirements-bench.lock
	$(BIN)/pip install --quiet --require-hashes -r requirements-bench.lock
	touch $@

.venv/googlesql/.installed: .venv/.installed requirements-googlesql.lock
	$(PYTHON) -m venv .venv/googlesql
	.venv/googlesql/bin/pip install --quiet --require-hashes -r requirements-googlesql.lock
	touch $@

lock:                          ## renews the locks (needs uv)
	$(COMPILE) --group build --all-extras pyproject.toml -o requirements-cloud.lock
	$(COMPILE) --group build -c requirements-cloud.lock pyproject.toml -o requirements.lock
	$(COMPILE) --group build --group dev -c requirements-cloud.lock pyproject.toml -o requirements-dev.lock
	$(COMPILE) --group build --group dev --group bench -c requirements-dev.lock pyproject.toml \
	  -o requirements-bench.lock
	$(COMPILE) --group googlesql -o requirements-googlesql.lock

clean:
	rm -rf .venv .sentinel
