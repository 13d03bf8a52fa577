"""Measurements on a machine that was busy with other work."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from hfseq.comparison.checks.base import Check, Finding
from hfseq.comparison.checks.facts import Facts, at
from hfseq.formatting import join_words
from hfseq.registry import register_check

# Ratio of the 90 % quantile to the 10 % quantile of the medians of the rounds. It is about 1.1 on an idle machine, and
# up to 1.6 on an idle virtual machine whose processor changes its clock.
LARGEST_RATIO = 2.0
# Shorter predictions vary by more than this on any machine.
_SHORTEST_MS = 0.2


@register_check
class BusyMachine(Check):
    """HFS013."""

    code = "HFS013"
    severity = "warning"
    title = "A busy machine while costs were measured"
    cause = (
        "The latency of a model is measured in several rounds. The slow rounds (90 % quantile) took more than twice "
        "as long as the fast ones (10 % quantile): other programs used the processor, or it changed its clock. The "
        "latencies, the throughput and probably the training times are longer than those of an idle machine."
    )
    cure = (
        "End other programs, delete the files `_costs.json` in the folders of the models, and run the same command "
        "again: finished trainings are not repeated."
    )

    def find(self, facts: Facts) -> Iterable[Finding]:
        """At most one finding."""
        ratios = {
            name: ratio
            for name in facts.names(None)
            if (ratio := _slow_to_fast(at(facts.comparison["models"], name, "measurement", "round_medians_ms")))
            > LARGEST_RATIO
        }
        if ratios:
            worst = max(ratios, key=lambda name: ratios[name])
            yield Finding(
                f"the machine was busy while the costs of {join_words(ratios)} were measured: the slow rounds took "
                f"{ratios[worst]:.2g} times as long as the fast ones ({worst})",
                tuple(ratios),
            )


def _slow_to_fast(medians: Any) -> float:
    """Ratio of the slow rounds of a model to the fast ones; 1 if it is not known."""
    if not isinstance(medians, list) or not medians or np.median(medians) < _SHORTEST_MS:
        return 1.0
    fast, slow = np.quantile(medians, [0.1, 0.9])
    return float(slow / fast)
