"""Runs with different data."""

from collections.abc import Iterable, Mapping

from hfseq.comparison.checks.base import Check, Finding
from hfseq.comparison.checks.facts import Facts
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
        by_split: dict[str, dict[str, list[str]]] = {}
        for result in facts.finished():
            assert result.record is not None  # true of every finished run
            found = by_split.setdefault(_split_of(result.variant), {})
            found.setdefault(str(result.record.data.get("fingerprint")), []).append(result.name)
        groups = next((found for found in by_split.values() if len(found) > 1), None)
        if groups is None:
            return
        listed = "; ".join(f"data {key[:8]}: {', '.join(dict.fromkeys(names))}" for key, names in groups.items())
        yield Finding(
            f"the models were not all trained and tested on the same data ({listed}): their metrics are not comparable"
        )


def _split_of(variant: Mapping[str, object]) -> str:
    """Runs with another fold or repeated split have other data on purpose."""
    return str({key: variant.get(key) for key in ("fold", "repeat")})
