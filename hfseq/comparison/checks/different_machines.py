"""Runs on different machines, with different engines or versions."""

from collections.abc import Iterable

from hfseq.comparison.checks.base import Check, Finding
from hfseq.comparison.checks.facts import Facts
from hfseq.comparison.environments import environment_differences
from hfseq.registry import register_check


@register_check
class DifferentMachines(Check):
    """HFS012."""

    code = "HFS012"
    severity = "warning"
    title = "Different machines or engines"
    cause = (
        "The runs used different processors, devices, numbers of threads, recurrent engines, or versions of the "
        "libraries, or different numbers of them ran at the same time. Their training times and memory depend on "
        "that, and not only on the model. Metrics stay comparable."
    )
    cure = (
        "Compare the costs of runs on one machine: train again there, or look only at the latency, which is measured "
        "for all models on one machine at the end. Training times of different processors are not ranked."
    )

    def find(self, facts: Facts) -> Iterable[Finding]:
        """One finding per property."""
        for label, listing, names in environment_differences(facts.finished()):
            yield Finding(
                f"the runs used different {label} ({listing}): their training costs are not comparable", tuple(names)
            )
