# make app    everything needed, then the dashboard
# make class  the same for a class: other computers join it, see README.md
# make test   everything needed, then every check and test
# make bench  everything needed, then the benchmarks, into docs/performance.md
# make clean  removes .venv and caches; runs and datasets in workspace/ stay

PYTHON ?= python3
ARGS ?=
VENV := .venv
RUN := $(VENV)/bin/python

.PHONY: app class test bench clean

app: $(VENV)/app.stamp
	$(RUN) -m streamlit run app.py $(ARGS)

# On a fixed port, so that links and QR codes of the last lesson lead here again. Without browser.serverAddress, Streamlit
# would ask a server on the internet for the address of this one.
class: $(VENV)/app.stamp
	CONVDECK_CLASS=1 $(RUN) -m streamlit run app.py --server.address 0.0.0.0 --server.port 8501 \
		--browser.serverAddress localhost $(ARGS)

test: $(VENV)/test.stamp
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy
	$(RUN) -m pytest -n auto --dist loadscope $(ARGS)

bench: $(VENV)/test.stamp
	$(RUN) -m tests.benchmarks $(ARGS)

$(VENV)/app.stamp: requirements.txt | $(VENV)/bin/pip
	@echo "Installing what ConvDeck runs with; the first time this takes a few minutes."
	$(RUN) -m pip install --disable-pip-version-check -r requirements.txt
	@touch $@

# The tests' requirements include the app's, so afterwards `make app` has nothing left to install.
$(VENV)/test.stamp: requirements-dev.txt requirements-export.txt requirements-jax.txt requirements-mcp.txt requirements.txt | $(VENV)/bin/pip
	@echo "Installing what ConvDeck and its tests run with; the first time this takes a few minutes."
	$(RUN) -m pip install --disable-pip-version-check -r requirements-dev.txt
	@touch $(VENV)/app.stamp $@

# pip is the last thing that venv writes, so an interrupted attempt is made again.
$(VENV)/bin/pip:
	@command -v $(PYTHON) >/dev/null || \
		{ echo "Python was not found: apt install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
		{ echo "ConvDeck needs Python 3.11, 3.12 or 3.13, and $(PYTHON) is another: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "Python's venv module is incomplete: apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path "./workspace/*" -type d -prune -exec rm -rf {} +
