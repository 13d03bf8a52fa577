"""Tokens that a tokenizer does not know."""

from collections.abc import Iterable

from hfseq.comparison.checks.base import Check, Finding
from hfseq.comparison.checks.facts import Facts, entries, number
from hfseq.data.findings import UNKNOWN_TOKENS
from hfseq.formatting import join_words, percent
from hfseq.registry import register_check


@register_check
class UnknownTokens(Check):
    """HFS009."""

    code = "HFS009"
    severity = "warning"
    title = "Unknown tokens"
    cause = (
        "More than 2 % of the tokens of a split are unknown to the tokenizer of a model, which reads the same symbol "
        "for all of them. A vocabulary of words from a small training split misses rare words; a pretrained tokenizer "
        "may not know a script or a language."
    )
    cure = (
        "For a new model, `--tokenizer_name bpe` splits words into known parts. A pretrained model needs a tokenizer "
        "that was made for this language and script: choose another model."
    )

    def find(self, facts: Facts) -> Iterable[Finding]:
        """One finding for all models with the same share."""
        groups: dict[str, list[str]] = {}
        notes: set[str] = set()
        for name in facts.names():
            worst = (0.0, "")
            for record in facts.records(name):
                for fact in entries(record.data, "findings"):
                    if fact.get("kind") == UNKNOWN_TOKENS:
                        worst = max(worst, (number(fact, "share") or 0.0, str(fact.get("split"))))
                        notes.add(str(fact.get("note")))
            if worst[0]:
                groups.setdefault(f"{percent(worst[0])} of the tokens of the {worst[1]} split", []).append(name)
        for share, names in groups.items():
            yield Finding(
                f"{share} are unknown to the tokenizer of {join_words(names)} (new models: --tokenizer_name bpe)",
                tuple(names),
                replaces=tuple(notes),
            )
