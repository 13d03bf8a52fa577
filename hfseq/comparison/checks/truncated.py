"""Inputs that a model does not read to the end."""

from collections.abc import Iterable

from hfseq.comparison.checks.base import Check, Finding, Severity
from hfseq.comparison.checks.facts import Facts, number
from hfseq.formatting import join_words, percent
from hfseq.registry import register_check

# Below this share of the examples, a model that reads them all can gain no more than the default margin.
SMALL_SHARE = 0.01
_SPLITS = ("train", "validation", "test")


@register_check
class Truncated(Check):
    """HFS008."""

    code = "HFS008"
    severity = "warning"
    title = "Truncated inputs"
    cause = (
        "Some examples are longer than the limit of a model (`--max_length`, or `--max_steps_per_example` for "
        "series), which reads only a part of them. What decides about an example may stand in the rest. Models with "
        "different tokenizers truncate different shares. Under 1 % of the examples it is only mentioned."
    )
    cure = "Raise the limit (training takes longer), or choose the part that is read with `--truncation`."

    def find(self, facts: Facts) -> Iterable[Finding]:
        """One finding for all models that truncate the same shares."""
        groups: dict[tuple[float, ...], list[str]] = {}
        for name in facts.names():
            shares = tuple(_truncated_share(facts, name, split) for split in _SPLITS)
            if any(shares):
                groups.setdefault(shares, []).append(name)
        for shares, names in groups.items():
            listed = join_words(
                f"{percent(share)} of {split}" for split, share in zip(_SPLITS, shares, strict=True) if share
            )
            severity: Severity | None = None if max(shares) >= SMALL_SHARE else "info"
            verb = "truncates" if len(names) == 1 else "truncate"
            yield Finding(f"{join_words(names)} {verb} long examples: {listed} (--max_length)", tuple(names), severity)


def _truncated_share(facts: Facts, name: str, split: str) -> float:
    """The largest share of a model's runs, which differ only if their data does."""
    return max((number(record.data, "truncated_share", split) or 0.0 for record in facts.records(name)), default=0.0)
