"""Checks of a comparison: each looks for one problem, and has a code, a severity and an explanation.

Each module registers one check. They read the records of the runs, their saved predictions, and the content of
`comparison.json`, and import no torch.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from hfseq.comparison.checks.base import SEVERITIES, Check, Finding, Severity
from hfseq.comparison.checks.facts import Facts
from hfseq.comparison.run_result import RunResult
from hfseq.registry import registered_checks

__all__ = ["Check", "Facts", "Finding", "Severity", "run_checks"]

logger = logging.getLogger(__name__)

PAGE = "recipes/guides/checks.md"
# What reading an unusual record may raise. A check must not cost the results of hours of training.
_OF_UNUSUAL_RECORDS = (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError)


def run_checks(comparison: Mapping[str, Any], results: Sequence[RunResult]) -> tuple[list[dict[str, Any]], set[str]]:
    """Runs all registered checks.

    Args:
        comparison (`Mapping[str, Any]`): the content of `comparison.json`.
        results (`Sequence[RunResult]`): all runs.

    Returns:
        `tuple[list[dict], set[str]]`: the findings for `comparison.json`, the most severe first (`code`, `severity`,
            `title`, `message`, `models`, `page`, `explanation`), and the notes that they replace.
    """
    facts = Facts(comparison, results)
    rows: list[dict[str, Any]] = []
    replaced: set[str] = set()
    for check in registered_checks():
        for finding in _findings(check(), facts):
            rows.append(_row(check, finding))
            replaced.update(finding.replaces)
    rows.sort(key=lambda row: (SEVERITIES.index(row["severity"]), row["code"]))
    return rows, replaced


def _findings(check: Check, facts: Facts) -> list[Finding]:
    try:
        return list(check.find(facts))
    except _OF_UNUSUAL_RECORDS as error:
        logger.warning("the check %s (%s) failed and is left out: %r", check.code, check.title, error)
        return []


def _row(check: type[Check], finding: Finding) -> dict[str, Any]:
    return {
        "code": check.code,
        "severity": finding.severity or check.severity,
        "title": check.title,
        "message": finding.message,
        "models": list(finding.models),
        "page": check.page or f"{PAGE}#{check.code.lower()}",
        "explanation": f"{check.cause}\n\n{check.cure}",
    }
