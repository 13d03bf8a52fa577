"""Splits of series in time: training steps come first, then validation steps, then test steps."""

import numpy as np

from hfseq.data.arguments import DataArguments
from hfseq.errors import HfseqError
from hfseq.tasks.forecasting.settings import ForecastingSettings

Bounds = dict[str, tuple[int, int]]


def parse_time_splits(text: str | None) -> tuple[int, int, int] | None:
    """Reads `8640,2880,2880`: steps of the training, validation and test part.

    Raises:
        HfseqError: if the text is not three whole numbers above 0.
    """
    if text is None:
        return None
    parts = text.split(",")
    if len(parts) != 3 or not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
        raise HfseqError(
            f"time_splits must be three numbers of steps (training, validation and test part), such as "
            f"`8640,2880,2880`, not {text!r}"
        )
    train, validation, test = map(int, parts)
    return train, validation, test


def check_folds(missing: list[str], arguments: DataArguments) -> None:
    """
    Raises:
        HfseqError: if the data cannot be split into folds, or another setting makes splits in random order.
    """
    if arguments.resplit:
        raise HfseqError(
            "resplit draws random splits, but forecasts are tested on later steps than those of the training: use "
            "num_folds and fold, which move the test part through time"
        )
    if arguments.num_folds is None:
        return
    if arguments.group(ForecastingSettings).time_splits is not None:
        raise HfseqError("time_splits fixes one test part, and num_folds makes several: leave out one of them")
    if len(missing) < 2:
        raise HfseqError(
            f"{arguments.dataset!r} has its own validation or test split, but num_folds takes the test parts from the "
            "end of the training series: put all steps into one file"
        )


def cut_in_time(length: int, missing: list[str], arguments: DataArguments, where: str) -> Bounds:
    """First and last step of each part of a series.

    Args:
        length (`int`): number of steps of the series.
        missing (`list[str]`): the splits to take from the series in addition to `train`: `validation`, `test`, or
            both.
        arguments (`DataArguments`): fractions or numbers of steps, and the lengths of a window.
        where (`str`): name of the series in error messages.

    Returns:
        `dict[str, tuple[int, int]]`: for each split, its first step, and the step after its last one.

    Raises:
        HfseqError: if a part is too short for a window.
    """
    settings = arguments.group(ForecastingSettings)
    context, horizon = settings.context_length, settings.prediction_length
    absolute = parse_time_splits(settings.time_splits)
    if absolute is not None:
        if sum(absolute) > length:
            raise HfseqError(
                f"{where} has {length} steps, but time_splits {settings.time_splits} need {sum(absolute)}"
            )
        sizes = dict(zip(("train", "validation", "test"), absolute, strict=True))
        for name in ("validation", "test"):
            if sizes[name] < horizon:
                raise HfseqError(
                    f"time_splits: the {name} part of {sizes[name]} steps is shorter than prediction_length "
                    f"({horizon})"
                )
    else:
        shares = {"validation": arguments.validation_fraction, "test": arguments.test_fraction}
        # Each part has at least one forecast.
        sizes = {name: max(round(shares[name] * length), horizon) for name in missing}
        length -= _steps_of_later_folds(arguments, sizes)
        sizes = {"train": length - sum(sizes.values()), **{name: sizes[name] for name in shares if name in sizes}}
    if sizes["train"] < context + horizon:
        held_out = sum(sizes.values()) - sizes["train"]
        raise HfseqError(
            f"{where} has {length} steps. Validation and test need {held_out} steps, so {max(sizes['train'], 0)} are "
            f"left to train on, fewer than context_length + prediction_length ({context} + {horizon}). Use smaller "
            "lengths, smaller fractions, or longer series"
        )
    ends = np.cumsum(list(sizes.values())).tolist()
    return dict(zip(sizes, zip([0, *ends[:-1]], ends, strict=True), strict=True))


def _steps_of_later_folds(arguments: DataArguments, sizes: dict[str, int]) -> int:
    """Steps at the end of a series that belong to the test parts of later folds (a rolling origin, Tashman 2000)."""
    if arguments.num_folds is None or arguments.fold is None:
        return 0
    return (arguments.num_folds - arguments.fold) * sizes["test"]
