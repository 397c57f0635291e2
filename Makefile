#: make setup       create the environment in .venv; the other targets do so if needed
#: make train       train on CIFAR-10:           python train.py $(ARGS)
#: make evaluate    evaluate the trained model:  python test.py $(ARGS)
#: make demo        train and evaluate on generated data; needs no network
#: make benchmark   measure the speed against a plain port; keep the machine idle
#: make test        run the quick tests; ARGS go to pytest
#: make test-all    run all tests except those of the accuracy
#: make accuracy    test the checkpoint of record and the first losses, on the real data
#: make clean       remove what Python and the tests leave behind; keep environments, models, data
#: make lint        run ruff, and hadolint on the Dockerfiles
#: make image       build a Docker image: docker/README.md
#: make test-images build and test the images with a Docker engine, as root: docker/README.md
#: make test-processors  run the numerical tests on emulated processors; needs qemu-user
#:
#: ARGS="--epochs 1"     options for the program, e.g. make train ARGS="--epochs 1"
#: RUNTIME=tf1           TensorFlow 1.15, the default: Linux on x86-64, Python 3.7 or 3.6
#: RUNTIME=tf2           TensorFlow 2, in .venv-tf2: also on aarch64 and macOS on arm64, Python 3.10 to 3.13
#: RUNTIME=tf2-cuda      the same with CUDA libraries, in .venv-tf2-cuda: needs only an NVIDIA driver
#: EXTRAS="pictures onnx" packages to add: pictures for predict and report, onnx for export --onnx
#: PYTHON=path           Python to use; PYTHON_VERSION=3.6, for example, selects one of those found
#: VENV=folder           environment to use instead of .venv

RUNTIME ?= tf1
# TensorFlow 2 has an environment and a demonstration model of its own.
suffix = $(if $(filter-out tf1,$(RUNTIME)),-$(RUNTIME))
VENV ?= .venv$(suffix)
python = "$(VENV)/bin/python"

.PHONY: help setup train evaluate test test-all accuracy demo benchmark clean lint image test-images test-processors

help:
	@sed -n 's/^#: *//p' Makefile

setup:
	@RUNTIME="$(RUNTIME)" VENV="$(VENV)" sh tools/setup.sh

train: setup
	$(python) train.py $(ARGS)

evaluate: setup
	$(python) test.py $(ARGS)

# A second time, training finds its three epochs done, and says so.
demo: setup
	$(python) train.py --synthetic --data-dir demo/data --model-dir demo/model$(suffix) --epochs 3
	$(python) test.py --synthetic --data-dir demo/data --model-dir demo/model$(suffix)

# Both runtimes in turn, where they are set up and neither is asked for.
benchmarked = $(if $(filter-out file,$(origin RUNTIME) $(origin VENV)),$(VENV),.venv .venv-tf2)
benchmark: setup
	$(python) -m cifar10_tf1.benchmark $(foreach venv,$(benchmarked),$(if $(wildcard $(venv)/bin/python),--python $(venv)/bin/python)) $(ARGS)

# Two processes, each a file of tests at a time.
test: setup
	$(python) -m pytest -n 2 --dist loadfile -m "not slow and not accuracy" $(ARGS)

test-all: setup
	$(python) -m pytest -n 2 --dist loadfile -m "not accuracy" $(ARGS)

accuracy: setup
	$(python) -m pytest -m accuracy $(ARGS)

# Folders by name, so that nothing of a user's is ever among them.
clean:
	rm -rf __pycache__ .pytest_cache
	find cifar10_tf1 tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

lint: .venv-lint/made
	.venv-lint/bin/ruff check .
	.venv-lint/bin/hadolint docker/Dockerfile docker/Dockerfile.tf2

# Any Python from 3.7 on.
.venv-lint/made: requirements/lint.txt
	python3 -m venv --clear .venv-lint
	.venv-lint/bin/python -m pip install --quiet --require-hashes --no-deps -r requirements/lint.txt
	touch $@

image:
	docker build -f docker/Dockerfile$(if $(suffix),.tf2) -t cifar-tf1$(if $(suffix),:$(RUNTIME)) \
		--build-arg REVISION="$$(git describe --always --abbrev=40 --exclude='*' --dirty)" \
		$(if $(suffix),--build-arg RUNTIME="$(RUNTIME)") \
		$(if $(EXTRAS),--build-arg EXTRAS="$(EXTRAS)") $(ARGS) .

test-images:
	tools/test_images.sh $(ARGS)

test-processors: setup
	tools/test_processors.sh "$(VENV)"
