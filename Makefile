# Every target makes .venv from requirements.lock first if it is absent or older than the lock.
PYTHON ?= python3
PROFILE ?= cpu
BIN := .venv/bin
READY := .venv/ready
ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
endif
export FIFTYONE_DO_NOT_TRACK := 1
# what the benchmarks compare with, beside the environment
PEERS := $(BIN)/uv pip install -q --target .bench --no-deps -r benchmarks/peers.txt
# kernels that start with their libraries imported
WARM := $(BIN)/python -m course_utils.cli.warm

.PHONY: help book test lab smoke lint clean lock env benchmark bench-speedrun bench-detection

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

env: $(READY)  ## make the environment only

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if v in ((3, 11), (3, 12)) else "Expected Python 3.11 or 3.12, but $(PYTHON) is %d.%d. Install one and run: make PYTHON=python3.12 $(MAKECMDGOALS)" % v)'
	@$(PYTHON) -c 'import ensurepip' || { echo "Expected Python with venv and pip. On Debian or Ubuntu: apt-get install python3-venv"; exit 1; }
	@echo "Making .venv from requirements.lock (about two minutes, about 8 GB on Linux)"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check "$$(grep '^uv==' requirements.lock)"
	$(BIN)/uv pip sync -q --compile-bytecode --python $(BIN)/python requirements.lock
	$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $(READY)

book: $(READY)  ## execute every lesson (PROFILE=cpu) and render the book
	$(BIN)/course run --profile $(PROFILE)
	$(BIN)/course book --profile $(PROFILE)

test: $(READY)  ## every test: package, lessons without a network, learner copies, stored outputs
	$(BIN)/python -m ruff check
	OMP_NUM_THREADS=1 $(WARM) $(BIN)/python -m pytest -n 2 --dist loadgroup
	OMP_NUM_THREADS=1 COURSE_PROFILE=smoke COURSE_STRICT=1 $(WARM) $(BIN)/python -m pytest --nbval-lax --nbval-current-env -n 2 --dist loadfile notebooks

lab: $(READY)  ## copy the lessons for you to work on into my-course/ and open JupyterLab there
	$(BIN)/course start my-course
	$(BIN)/jupyter lab --notebook-dir my-course

smoke: $(READY)  ## execute every lesson in its smallest form
	$(BIN)/course run --profile smoke

lint: $(READY)  ## style
	$(BIN)/python -m ruff check
	$(BIN)/python -m ruff format --check

lock:  ## resolve the versions anew from pyproject.toml and write environment.yml from them
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --no-annotate --no-header --upgrade pyproject.toml -o requirements.lock
	$(BIN)/course environment

benchmark: $(READY)  ## what a training loop costs, beside a bare loop, Lightning and fastai (minutes)
	$(PEERS)
	PYTHONPATH=.bench $(BIN)/python benchmarks/training_loop.py

bench-speedrun: $(READY)  ## the recipe of lesson 25 beside its peer, and from a cold start (NVIDIA accelerator, CIFAR-10)
	$(PEERS)
	$(BIN)/python benchmarks/speedrun.py

bench-detection: $(READY)  ## frames a second of the detector of lesson 30 beside YOLOv5n
	$(PEERS)
	$(BIN)/python benchmarks/detection_speed.py

clean:  ## delete the environment and what tests left; downloads and stored runs stay
	rm -rf .venv .bench .pytest_cache .ruff_cache .hypothesis build dist
	find . -name __pycache__ -prune -exec rm -rf {} +
