"""Models of which some or all runs failed."""

from collections.abc import Iterable

from hfseq.comparison.checks.base import Check, Finding
from hfseq.comparison.checks.facts import Facts, at
from hfseq.registry import register_check


@register_check
class FailedSeeds(Check):
    """HFS014."""

    code = "HFS014"
    severity = "error"
    title = "Failed runs"
    cause = (
        "Some runs of a model failed, or all of them. The figures are means over the runs that finished. If runs fail "
        "because a training is unstable, these are the better ones, and the mean is too good."
    )
    cure = (
        "Read the error, mend its cause, and run the same command again: finished runs are not repeated. An error of "
        "memory needs a smaller `--per_device_train_batch_size`."
    )

    def find(self, facts: Facts) -> Iterable[Finding]:
        """One finding per model."""
        for name in facts.names(None):
            runs = [result for result in facts.all_results if result.name == name]
            failed = [result for result in runs if not result.finished]
            if not failed:
                continue
            reason = at(facts.comparison["models"], name, "reason") or failed[0].error
            if len(failed) == len(runs):
                number = "its run" if len(runs) == 1 else f"all {len(runs)} runs"
                yield Finding(f"{name}: {number} failed: {reason}", (name,))
            else:
                yield Finding(
                    f"{name}: {len(failed)} of {len(runs)} runs failed: {reason}; its figures are those of the others",
                    (name,),
                    "warning",
                )
