# `make lab` opens the lessons, `make test` runs the tests. Needed: make, and Python 3.11 or newer with venv.

.DEFAULT_GOAL := help
.PHONY: help lab test test-all coverage lint bench notebooks book handout reset lock setup-lab setup-test setup-browser setup-clients setup-book

PY := .venv/bin/python
unexport PYTHONDONTWRITEBYTECODE # the tests start some sixty Pythons: one of them compiles for all
QUICK := -m pytest -p tests.no_iris -n logical --dist loadfile --nbval --nbval-current-env tests examples notebooks

help: ## list what there is to make
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 20

lab: setup-lab ## lay out workbook/ and open JupyterLab on it (more options: LAB_ARGS="--no-browser")
	@$(PY) -m kmslab lab $(LAB_ARGS)

reset: setup-lab ## a fresh copy of one lesson, yours is kept: make reset LESSON=02
	@$(PY) -m kmslab lab --reset "$(LESSON)"

test: setup-test ## the tests and the notebooks, in two to three minutes (more options: TEST_ARGS="-k wire")
	$(PY) $(QUICK) $(TEST_ARGS)

test-all: test setup-browser setup-clients ## after `make test`, what takes longer or needs more, and property tests at full depth
	$(PY) -m pytest -n logical --dist loadfile -m "long or hypothesis" --hypothesis-profile=full --durations=5 $(TEST_ARGS)

# From Python 3.12 on the interpreter itself says which lines it runs, which takes next to no time.
CORE = $(shell $(PY) -c 'import sys; print("sysmon" if hasattr(sys, "monitoring") else "ctrace")')
coverage: setup-test ## the same tests, measured: which lines of kmslab none of them runs
	$(PY) -m coverage erase
	COVERAGE_CORE=$(CORE) $(PY) -m coverage run $(QUICK) $(TEST_ARGS)
	$(PY) -m coverage combine --quiet
	$(PY) -m coverage report

lint: setup-test ## style, types, and who may import whom
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports

BENCHMARKS := wrapping signatures keygen sealing envelope service
bench: setup-lab ## measure everything, a quarter of an hour, and keep it in data/benchmarks/ (some: BENCHMARKS="sealing service")
	for name in $(BENCHMARKS); do $(PY) -m kmslab bench $$name --output data/benchmarks/$$name.json || exit 1; done

notebooks: setup-test ## run every lesson and save it with its outputs
	$(PY) scripts/notebooks.py $(LESSON)

book: setup-book ## lessons, documents and reference as one site in dist/book/, which needs no network
	rm -rf dist/book
	.venv-book/bin/python -m sphinx -c docs/book -d .venv-book/doctrees -E -W --keep-going -q . dist/book
	@echo "Open dist/book/index.html in a browser."

handout: setup-lab ## one zip in dist/ with all that a room without network needs
	@$(PY) scripts/handout.py $(HANDOUT_ARGS)

lock: ## resolve the locks anew, keeping pins that still fit (LOCK_ARGS=--upgrade moves them; needs uv)
	sh scripts/lock.sh $(LOCK_ARGS)

setup-lab setup-test setup-browser setup-clients setup-book: setup-%:
	@sh scripts/setup.sh $*
