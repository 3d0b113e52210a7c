# Everything a person does here. `make setup` once, then the others; each says what it does with `make help`.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: help setup demo test lint bench faults faults-sync fuzz volume volume-sensors same-cards generated clean

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

setup: $(VENV)/ready ## a virtual environment of its own, with everything in it

$(VENV)/ready: setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	touch $@

demo: setup ## read the sample deck, store it, show it, export it
	$(BIN)/logicienne demo

test: setup ## all tests, offline, on every core
	$(BIN)/python -m pytest -q -n auto

lint: setup ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m mypy --strict

bench: setup ## speed, as ratios of two things measured in one run
	$(BIN)/python -m tests.bench

faults: setup ## power cuts, kills, lying disks and bad cables, for an hour or so
	.ci/micropython $(VENV)
	$(BIN)/python -m tests.faults

faults-sync: setup ## fifty machines sync through a line that does everything wrong, for some minutes
	$(BIN)/python -m tests.faults.sync

fuzz: setup ## a million damaged pictures and a million damaged lines, for an hour or two
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[fuzz]'
	$(BIN)/python -m tests.fuzz

volume: setup ## ten million rendered positions, for half an hour or so; goes on where it was cut
	$(BIN)/python -m tests.volume

volume-sensors: setup ## 100,000 simulated sweeps past a bar of sensors: none may be read wrongly
	$(BIN)/python -m tests.volume_sensors

same-cards: setup ## 1,000 cards by camera, by sensor bar and by sensor head: the answers may not differ
	$(BIN)/python -m tests.same_cards

generated: setup ## write all files that are made from others
	$(BIN)/python -m cards.schema --write
	$(BIN)/python -m device.simulator.sample --write
	$(BIN)/python -m device.drawings --write
	$(BIN)/python -m tests.house.commands_page --write

clean: ## throw away what can be made again
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
