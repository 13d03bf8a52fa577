"""Measurements on a machine that was busy with other work."""

from collections.abc import Iterable

from hfseq.comparison.checks.base import Check, Finding
from hfseq.comparison.checks.facts import Facts, number
from hfseq.formatting import join_words
from hfseq.registry import register_check

# On an idle machine, the median of a round of measurements varies by a few per cent, by up to a quarter on a virtual
# machine whose processor changes its clock.
LARGEST_RATIO = 1.5


@register_check
class BusyMachine(Check):
    """HFS013."""

    code = "HFS013"
    severity = "warning"
    title = "A busy machine while costs were measured"
    cause = (
        "The latency of a model is measured in several rounds. The median of the slowest round is more than 1.5 times "
        "that of the fastest one: other programs used the processor, or it changed its clock. The latencies, the "
        "throughput and probably the training times are longer than those of an idle machine."
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
            if (ratio := number(facts.comparison["models"], name, "measurement", "slowest_to_fastest_round"))
            and ratio > LARGEST_RATIO
        }
        if ratios:
            worst = max(ratios, key=lambda name: ratios[name])
            yield Finding(
                f"the machine was busy while the costs of {join_words(ratios)} were measured: the slowest round took "
                f"{ratios[worst]:.2g} times as long as the fastest one ({worst})",
                tuple(ratios),
            )
