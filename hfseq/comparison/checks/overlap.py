"""Test examples in the training split."""

from collections.abc import Iterable

from hfseq.comparison.checks.base import Check, Finding
from hfseq.comparison.checks.facts import Facts, entries, number
from hfseq.data.findings import TRAIN_OVERLAP
from hfseq.formatting import percent
from hfseq.registry import register_check

# From this share of the split on, memorised examples may change a score by the default margin of one point.
SERIOUS_SHARE = 0.01


@register_check
class Overlap(Check):
    """HFS001."""

    code = "HFS001"
    severity = "warning"
    title = "Test examples in the training split"
    cause = (
        "The inputs of some test or validation examples also occur in the training split, with equal text (apart from "
        "white space) or equal content. A model may have memorised them, so that its score says too little about new "
        "examples. From 1 % of the split on this is an error: it may change the score by more than the margin."
    )
    cure = (
        "Remove the repeated examples from the data. If the splits were made from one file, name the column that says "
        "which rows belong together with `--group_column`, so that they stay in the same split."
    )

    def find(self, facts: Facts) -> Iterable[Finding]:
        """One finding per split."""
        worst: dict[str, tuple[float, float, float]] = {}
        notes: dict[str, set[str]] = {}
        for record in facts.records():
            for fact in entries(record.data, "findings"):
                count, total, split = number(fact, "count"), number(fact, "of"), str(fact.get("split"))
                if fact.get("kind") == TRAIN_OVERLAP and count and total:
                    worst[split] = max(worst.get(split, (0.0, 0.0, 0.0)), (count / total, count, total))
                    notes.setdefault(split, set()).add(str(fact.get("note")))
        for split, (share, count, total) in worst.items():
            verb = "occurs" if count == 1 else "occur"
            yield Finding(
                f"{count:,.0f} of {total:,.0f} {split} examples ({percent(share)}) also {verb} in the training split, "
                f"where a model may memorise them: the {split} score is too optimistic",
                severity="error" if share >= SERIOUS_SHARE and split == "test" else None,
                replaces=tuple(notes[split]),
            )
