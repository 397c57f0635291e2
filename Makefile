# Each target sets the environment up first; where that is done already, this
# takes no time. Options for the programs: make train ARGS="--epochs 1".

RUNTIME ?= tf1
# TensorFlow 2 has an environment and a demonstration model of its own.
suffix = $(if $(filter-out tf1,$(RUNTIME)),-$(RUNTIME))
VENV ?= .venv$(suffix)
python = "$(VENV)/bin/python"
dockerfile = docker/Dockerfile$(if $(suffix),.tf2)
image = cifar-tf1$(if $(suffix),:$(RUNTIME))

.PHONY: help setup train evaluate test test-all accuracy demo benchmark clean lint image test-images test-processors

help:
	@echo 'make setup       create the environment in $(VENV); the other targets do so if needed'
	@echo 'make train       train on CIFAR-10:           python train.py $$(ARGS)'
	@echo 'make evaluate    evaluate the trained model:  python test.py $$(ARGS)'
	@echo 'make demo        train and evaluate on generated data; needs no network'
	@echo 'make benchmark   measure the speed against a plain port; keep the machine idle'
	@echo 'make test        run the quick tests; ARGS go to pytest'
	@echo 'make test-all    run all tests except those of the accuracy'
	@echo 'make accuracy    test the checkpoint of record and the first losses, on the real data'
	@echo 'make clean       remove what Python and the tests leave behind; keep environments, models, data'
	@echo 'make lint        run ruff, and hadolint on the Dockerfiles'
	@echo 'make image       build the Docker image $(image): docker/README.md'
	@echo 'make test-images build and test the images with a Docker engine, as root: docker/README.md'
	@echo 'make test-processors  run the numerical tests on emulated processors; needs qemu-user'
	@echo
	@echo 'ARGS="--epochs 1"     options for the program, e.g. make train ARGS="--epochs 1"'
	@echo 'RUNTIME=tf1           TensorFlow 1.15, the default: Linux on x86-64, Python 3.7 or 3.6'
	@echo 'RUNTIME=tf2           TensorFlow 2, in .venv-tf2: also on aarch64 and macOS on arm64, Python 3.10 to 3.13'
	@echo 'RUNTIME=tf2-cuda      the same with CUDA libraries, in .venv-tf2-cuda: needs only an NVIDIA driver'
	@echo 'EXTRAS="pictures onnx" packages to add: pictures for predict and report, onnx for export --onnx'
	@echo 'PYTHON=path           Python to use; PYTHON_VERSION=3.6, for example, selects one of those found'
	@echo 'VENV=folder           environment to use instead of .venv$(suffix)'

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
	@rm -rf __pycache__ .pytest_cache
	@find cifar10_tf1 tests tools -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo 'Removed: __pycache__ and .pytest_cache. Kept: environments (.venv*), models, data, demo/.'

lint: .venv-lint/made
	.venv-lint/bin/ruff check .
	.venv-lint/bin/hadolint docker/Dockerfile docker/Dockerfile.tf2

# Any Python from 3.7 on.
.venv-lint/made: requirements/lint.txt
	python3 -m venv --clear .venv-lint
	.venv-lint/bin/python -m pip install --quiet --require-hashes --no-deps -r requirements/lint.txt
	touch $@

image:
	docker build --file $(dockerfile) --tag $(image) \
		--build-arg REVISION="$$(git describe --always --abbrev=40 --exclude='*' --dirty)" \
		$(if $(suffix),--build-arg RUNTIME="$(RUNTIME)") \
		$(if $(EXTRAS),--build-arg EXTRAS="$(EXTRAS)") $(ARGS) .

test-images:
	tools/test_images.sh $(ARGS)

test-processors: setup
	tools/test_processors.sh "$(VENV)"
