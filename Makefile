# Each target works from nothing: it makes .venv with $(PYTHON) and installs what it needs, once.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: demo test check peers bench docs clean

demo: $(STAMPS)/demo
	$(BIN)/python -m chainkit demo

test: $(STAMPS)/test
	$(BIN)/python -m chainkit pull smollm2-135m
	$(BIN)/python -m pytest -q -n auto --maxprocesses 4 --dist loadgroup

check: $(STAMPS)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest -q -n auto --maxprocesses 4 --dist loadgroup -m "not slow and not local"

# LangChain's suite wants versions of its own, so it has an environment of its own. The bridges are tested there too.
peers: PEERS_BIN = $(VENV)-peers/bin
peers:
	test -x $(PEERS_BIN)/python || $(PYTHON) -m venv $(VENV)-peers
	$(PEERS_BIN)/python -m pip install -q -r tests/peers/requirements.txt -e ".[local,embed,cli,sqlite,numpy]"
	$(PEERS_BIN)/python -m chainkit pull smollm2-135m
	$(PEERS_BIN)/python -m pytest -q tests/peers tests/interop -p no:cacheprovider -o asyncio_mode=auto

bench: $(STAMPS)/bench
	$(BIN)/python -m benchmarks $(if $(QUICK),--quick,--peers $(or $(PEERS),all)) $(ARGS)

docs: $(STAMPS)/docs
	$(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) $(VENV)-peers site demo-output dist

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	mkdir -p $(STAMPS)

# One stamp a set of extras; a newer pyproject.toml installs again.
$(STAMPS)/demo: EXTRAS = cli,local
$(STAMPS)/test: EXTRAS = all,test
$(STAMPS)/docs: EXTRAS = cli,docs
$(STAMPS)/bench: EXTRAS = all
$(STAMPS)/dev: EXTRAS = dev
$(STAMPS)/%: pyproject.toml | $(BIN)/python
	mkdir -p $(STAMPS)
	$(BIN)/python -m pip install -q -e ".[$(EXTRAS)]"
	touch $@
