# Thin: each target is the command that CI runs.
.PHONY: quality format test test-slow

quality:
	ruff check .
	ruff format --check .
	mypy

format:
	ruff check --fix .
	ruff format .

test:
	pytest

test-slow:
	pytest -m slow
