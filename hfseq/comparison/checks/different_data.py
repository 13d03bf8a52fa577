"""Runs with different data."""

from collections.abc import Iterable

from hfseq.comparison.checks.base import Check, Finding
from hfseq.comparison.checks.facts import Facts
from hfseq.comparison.variants import by_variant
from hfseq.registry import register_check


@register_check
class DifferentData(Check):
    """HFS011."""

    code = "HFS011"
    severity = "error"
    title = "Different data"
    cause = (
        "The fingerprint of the data differs among runs of the same fold: not all models were trained and tested on "
        "the same examples. The data was changed between two runs, or folders of different comparisons were put "
        "together."
    )
    cure = "Train all models again on the same data: give the comparison another `--output_dir`."

    def find(self, facts: Facts) -> Iterable[Finding]:
        """At most one finding."""
        for runs in by_variant(facts.finished()).values():
            groups: dict[str, list[str]] = {}
            for result in runs:
                assert result.record is not None  # true of every finished run
                groups.setdefault(str(result.record.data.get("fingerprint")), []).append(result.name)
            if len(groups) > 1:
                listed = "; ".join(f"data {key[:8]}: {', '.join(dict.fromkeys(of))}" for key, of in groups.items())
                yield Finding(
                    f"the models were not all trained and tested on the same data ({listed}): their metrics are not "
                    "comparable"
                )
                return
