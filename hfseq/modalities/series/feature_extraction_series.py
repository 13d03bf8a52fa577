"""Numeric series as model inputs: scaling, missing values, padding.

The file travels to the Hub beside a model, with `series_values.py`: they import nothing but numpy and transformers.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from transformers import BatchFeature

from hfseq.modalities.feature_extraction_base import BaseFeatureExtractor

from .channel_values import as_array, carry_forward, depth, divisor, merge, moments

NORMALIZE = ("channel", "sequence", None)
MISSING = ("zero", "last")


class SeriesFeatureExtractor(BaseFeatureExtractor):
    """Scales numeric series of one or several channels, fills what is missing, and pads.

    Args:
        feature_size (`int`, *optional*, defaults to 1): the size of a step as the model gets it: the number of
            channels, or twice that with `add_missing_mask`.
        mean (`list[float]`, *optional*): mean of each channel over the training series, see `fit`.
        std (`list[float]`, *optional*): standard deviation of each channel over the training series. A channel that
            never changes is only shifted by its mean.
        normalize (`str`, *optional*, defaults to `"channel"`): `"channel"` scales by `mean` and `std`; `"sequence"`
            scales every series by its own, which forgets its level and size; `None` leaves the values as they are.
        missing (`str`, *optional*, defaults to `"zero"`): what stands for a missing value after scaling: `"zero"`,
            which is the mean of a scaled channel, or `"last"`, the value of the channel before it, and zero where
            there is none.
        add_missing_mask (`bool`, *optional*, defaults to `False`): appends a channel of 0 and 1 to every channel, 1
            where its value is missing.
        padding_value (`float`, *optional*, defaults to 0.0): what padding consists of.
        sampling_rate (`int`, *optional*, defaults to 1): steps in a unit of time; kept, and not used.
        kwargs: `padding_side` (`"right"` by default), `return_attention_mask`; and what a reader of tables notes, such
            as `column_names`, which is kept and not used.

    Raises:
        ValueError: a setting is not one of those above, or the statistics do not fit the channels.
    """

    inputs_without_pipeline = "numeric series"

    def __init__(
        self,
        feature_size: int = 1,
        mean: list[float] | None = None,
        std: list[float] | None = None,
        normalize: str | None = "channel",
        missing: str = "zero",
        add_missing_mask: bool = False,
        padding_value: float = 0.0,
        sampling_rate: int = 1,
        **kwargs: Any,
    ):
        super().__init__(feature_size, sampling_rate, padding_value, **kwargs)
        if normalize not in NORMALIZE:
            raise ValueError(f"normalize must be one of {NORMALIZE}, got {normalize!r}.")
        if missing not in MISSING:
            raise ValueError(f"missing must be one of {MISSING}, got {missing!r}.")
        if feature_size < 1 or (add_missing_mask and feature_size % 2):
            rule = "even, two for every channel, with add_missing_mask" if add_missing_mask else "1 or more"
            raise ValueError(f"feature_size must be {rule}, got {feature_size}.")
        self.normalize = normalize
        self.missing = missing
        self.add_missing_mask = add_missing_mask
        self.mean = _statistics("mean", mean, self.num_channels)
        self.std = _statistics("std", std, self.num_channels)

    @property
    def num_channels(self) -> int:
        """The size of a step of a raw series."""
        return self.feature_size // 2 if self.add_missing_mask else self.feature_size

    @classmethod
    def fit(cls, series: Iterable[Any], **settings: Any) -> "SeriesFeatureExtractor":
        """An extractor with the statistics of these series, which should be the training split alone.

        The series are read once, one after the other, and merged by the parallel algorithm of Chan, Golub and LeVeque
        (1983), which loses nothing to large means.

        Args:
            series (`Iterable`): series as in `__call__`; missing values are left out.
            settings: settings of the class other than `feature_size`, `mean` and `std`.

        Raises:
            ValueError: there are no series, or one of them is malformed.
        """
        total: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
        for number, one in enumerate(series):
            values = as_array(one, None if total is None else len(total[0]), f"series {number}")
            found = moments(values)
            total = found if total is None else merge(total, found)
        if total is None:
            raise ValueError("there are no series to take mean and standard deviation from.")
        count, mean, squares = total
        return cls(
            feature_size=len(count) * (2 if settings.get("add_missing_mask") else 1),
            mean=mean.tolist(),
            std=np.sqrt(squares / np.maximum(count, 1)).tolist(),
            **settings,
        )

    def __call__(
        self,
        series: Any,
        padding: bool | str = False,
        max_length: int | None = None,
        truncation: bool = False,
        pad_to_multiple_of: int | None = None,
        return_attention_mask: bool | None = None,
        return_tensors: str | None = None,
    ) -> BatchFeature:
        """Prepares one series or several.

        Args:
            series: a list of steps, each a list of channel values, or an array of shape `(steps, channels)`; or a list
                of these; or, of one channel, a flat list of its values. `None` and nan stand for missing values.
            padding (`bool` or `str`, *optional*, defaults to `False`): as in `pad`.
            max_length (`int`, *optional*): as in `pad`.
            truncation (`bool`, *optional*, defaults to `False`): cuts series off after `max_length` steps.
            pad_to_multiple_of (`int`, *optional*): as in `pad`.
            return_attention_mask (`bool`, *optional*): whether to return the mask, by default yes.
            return_tensors (`str`, *optional*): `"pt"` or `"np"`, which need series of one length, or padding.

        Returns:
            `transformers.BatchFeature`: `input_features`, float32 of shape `(length, feature_size)` a series, and
            `attention_mask`. A single series is a batch of one.

        Raises:
            ValueError: a series is empty, has another number of channels, or a value is no number or infinite; or
                there are no statistics to scale with.
        """
        several = [series] if depth(series) < 3 else series
        features = [self._extract(one, f"series {number}") for number, one in enumerate(several)]
        if truncation and not padding and not return_tensors:
            features, truncation = [one[:max_length] for one in features], False
        return self.to_batch(
            features,
            padding,
            max_length,
            truncation,
            pad_to_multiple_of,
            return_attention_mask,
            return_tensors,
        )

    def _extract(self, series: Any, where: str) -> np.ndarray:
        values = as_array(series, self.num_channels, where)  # (length, channels)
        missing = np.isnan(values)
        if self.normalize is not None:
            mean, std = self._scale(values)
            values = (values - mean) / std
        if self.missing == "last":
            values = carry_forward(values, missing)
        values = np.where(np.isnan(values), 0.0, values)
        if self.add_missing_mask:
            values = np.concatenate([values, missing], axis=1)  # (length, 2 * channels)
        if np.abs(values).max() > np.finfo(np.float32).max:
            raise ValueError(f"{where}: a value is too large for float32. Choose another normalize or unit.")
        return values.astype(np.float32)

    def _scale(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self.normalize == "sequence":
            count, mean, squares = moments(values)
            return mean, divisor(mean, np.sqrt(squares / np.maximum(count, 1)))
        if self.mean is None or self.std is None:
            raise ValueError(
                'normalize="channel" needs mean and std: make the extractor by '
                'SeriesFeatureExtractor.fit(training series), or choose normalize="sequence" or None.'
            )
        mean = np.array(self.mean)
        return mean, divisor(mean, np.array(self.std))

    def _pad(self, processed_features: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        if self.feature_size > 1:
            return super()._pad(processed_features, *args, **kwargs)
        # With one feature the base class expects flat inputs, and would pad the axis of the features as well.
        flat = {**processed_features, "input_features": processed_features["input_features"][:, 0]}
        padded = super()._pad(flat, *args, **kwargs)
        padded["input_features"] = padded["input_features"][:, None]  # (length, 1)
        return padded

    # hfseq may pad whole batches by itself: the result is the same.
    _pad.pads_like_transformers = True  # type: ignore[attr-defined]


def _statistics(name: str, values: Any, channels: int) -> list[float] | None:
    if values is None:
        return None
    found = np.asarray(values, dtype=np.float64)
    if found.shape != (channels,) or not np.isfinite(found).all() or (name == "std" and (found < 0).any()):
        rule = "finite numbers" if name == "mean" else "finite numbers, none negative"
        raise ValueError(f"{name} must be {channels} {rule}, one a channel, got {values!r}.")
    return found.tolist()
