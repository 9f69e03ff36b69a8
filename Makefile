SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help install format lint type test test-ros golden soak bench demo view view-test wheels kilted clean
KILTED_TESTS := $(addprefix test/ros/test_,extractor_node.py lifecycle.py parameters.py pipeline.py tracker_node.py)
IN_OVERLAY := source scripts/activate.sh &&
ifneq ($(wildcard ../shared),)
export ALIKED_SHARED ?= $(abspath ../shared)
endif

help:           ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18
install:        ## create .venv, install the pinned dependencies, build the overlay into install/
	@scripts/install.sh
format: install ## rewrite the sources in the one format
	@$(IN_OVERLAY) ruff format . && ruff check --fix .
lint: install   ## style, spelling and forbidden imports
	@$(IN_OVERLAY) ruff check . && ruff format --check . && codespell
type: install   ## static types
	@$(IN_OVERLAY) mypy
test: install   ## everything that must hold: lint and types, then all tests
	@$(MAKE) --no-print-directory lint type && $(IN_OVERLAY) pytest
test-ros: install ## only the tests that start real nodes
	@$(IN_OVERLAY) pytest test/ros
golden: install ## only the comparison with the authors' network (needs ALIKED_SHARED)
	@$(IN_OVERLAY) pytest test/golden
soak: install   ## fuzzed messages on every topic, then many frames; sums that must be exact (SOAK="--seed 1")
	@$(IN_OVERLAY) PYTHONPATH=test:$$PYTHONPATH python3 -m soak $(SOAK)
bench: install  ## timings
	@$(IN_OVERLAY) for script in bench/bench_*.py; do python3 $$script || exit; done
demo: install   ## the whole pipeline on a sequence; results in out/ (SEQUENCE=folder chooses one)
	@$(IN_OVERLAY) python3 scripts/demo.py $(SEQUENCE)
view:           ## the environment of the browser's view (rerun, 800 MB), in .venv-view
	@[ -x .venv-view/bin/rerun ] || (python3 -m venv .venv-view && .venv-view/bin/pip --quiet install "rerun-sdk>=0.41")
view-test: install view ## the view in a headless Chromium (apt: chromium; or ALIKED_CHROMIUM=program)
	@$(IN_OVERLAY) ALIKED_VIEW_TEST=must pytest test/view test/ros/test_view_node.py
wheels:         ## the wheel of the library, audited, checked with every CPython that is here; in out/wheels/
	@scripts/wheels.sh
kilted:         ## the same tree on the wheels of ROS 2 Kilted, in .kilted/: nodes start, track and end
	@DISTRO=kilted scripts/install.sh
	@export DISTRO=kilted && unset AMENT_PREFIX_PATH $${!FASTDDS_*} $${!FASTRTPS_*} && $(IN_OVERLAY) pytest $(KILTED_TESTS)
clean:          ## remove everything that was built, the virtual environment included
	rm -rf .venv .venv-view .kilted build install log out .pytest_cache .mypy_cache .ruff_cache .hypothesis
