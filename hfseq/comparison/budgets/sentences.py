"""Says in words which rules of a fair comparison held."""

from collections.abc import Mapping

from hfseq.comparison.budgets.matching import Match
from hfseq.comparison.budgets.rules import read_train_sizes
from hfseq.comparison.budgets.tuning import Tuned
from hfseq.comparison.options import ComparisonOptions
from hfseq.formatting import count, join_words, seconds


def rules(options: ComparisonOptions, num_seeds: int, match: Match | None, tuned: Mapping[str, Tuned]) -> list[str]:
    """One sentence for each rule.

    Args:
        options (`ComparisonOptions`): the options of the comparison.
        num_seeds (`int`): number of seeds.
        match (`Match`, *optional*): the result of `match`.
        tuned (`Mapping[str, Tuned]`): by model, the result of `tune`.
    """
    found = [_matched(match)] if match is not None else []
    found.append(_tuned(options, tuned))
    seeds = f"{num_seeds} seed{'s' if num_seeds > 1 else ''}"
    if options.folds is not None:
        times = f", {options.repeat_splits} times with new folds" if options.repeat_splits else ""
        found.append(
            f"Every model was trained on the same {options.folds} folds{times} with {seeds}; each example was tested "
            f"once{' per repetition' if times else ''}."
        )
    elif options.repeat_splits is not None:
        found.append(f"Every model was trained on the same {options.repeat_splits} random splits with {seeds}.")
    elif sizes := read_train_sizes(options):
        listed = join_words(f"{size:,}" for size in sizes)
        found.append(
            f"Every model was trained on the same nested samples of {listed} training examples with {seeds}; the "
            f"table shows the largest."
        )
    else:
        found.append(f"Every model was trained on the same splits with {seeds}.")
    return found


def _tuned(options: ComparisonOptions, tuned: Mapping[str, Tuned]) -> str:
    if options.tune is None:
        return "No settings were searched: every model has those of its preset or file, or the defaults of its family."
    failed = [f"{name}: {found.failed}" for name, found in tuned.items() if found.failed]
    listed = f" Failed trials: {', '.join(failed)}." if failed else ""
    return (
        f"Every model got {options.tune} trials, the first with its default settings. The best was chosen on the "
        f"validation split; the test split was read after the choice.{listed}"
    )


def _matched(match: Match) -> str:
    if match.rule == "time":
        return f"Every model was trained for {seconds(match.target)}, the mean time of {match.reference}."
    sized = [f"{name} {count(match.after[name])}" for name in match.after if name != match.reference]
    others = f" ({', '.join(sized)})" if sized else ""
    left = ""
    if match.left:
        verb = "is pretrained and was" if len(match.left) == 1 else "are pretrained and were"
        left = f" {join_words(match.left)} {verb} left as {'it is' if len(match.left) == 1 else 'they are'}."
    return (
        f"The widths of the models from scratch were scaled to the {count(match.target)} {match.unit} of "
        f"{match.reference}{others}.{left}"
    )
