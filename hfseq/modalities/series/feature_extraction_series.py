"""Feature extractor of numeric series: scaling, missing values, padding.

This file is saved with the processor, so that it loads where hfseq is not installed.
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
    """Scales numeric series with one or more channels, replaces missing values, and pads.

    Args:
        feature_size (`int`, *optional*, defaults to 1): number of features per step: the number of channels, or twice
            that with `add_missing_mask`.
        mean (`list[float]`, *optional*): mean of each channel over the training series, see [`fit`].
        std (`list[float]`, *optional*): standard deviation of each channel over the training series. The mean of a
            constant channel is subtracted, and it is not divided.
        normalize (`str`, *optional*, defaults to `"channel"`): `"channel"` scales by `mean` and `std`. `"sequence"`
            scales each series by its own statistics, so its level and scale are lost. `None` does not scale.
        missing (`str`, *optional*, defaults to `"zero"`): replacement for missing values after scaling: `"zero"`,
            which is the mean of a scaled channel, or `"last"`, the last observed value of the channel (zero if there
            is none).
        add_missing_mask (`bool`, *optional*, defaults to `False`): whether to add a mask for each channel, which is 1
            if the value is missing and 0 otherwise.
        padding_value (`float`, *optional*, defaults to 0.0): value of padding.
        sampling_rate (`int`, *optional*, defaults to 1): steps per unit of time. It is saved, but not used.
        kwargs: `padding_side` (`"right"` by default), `return_attention_mask`, and information about the table that
            the series come from, such as `column_names`. The latter is saved, but not used.

    Raises:
        ValueError: a setting is invalid, or the statistics do not fit the channels.
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
            rule = "even with add_missing_mask, two per channel" if add_missing_mask else "1 or more"
            raise ValueError(f"feature_size must be {rule}, got {feature_size}.")
        self.normalize = normalize
        self.missing = missing
        self.add_missing_mask = add_missing_mask
        self.mean = _statistics("mean", mean, self.num_channels)
        self.std = _statistics("std", std, self.num_channels)

    @property
    def num_channels(self) -> int:
        """The number of channels of a raw series."""
        return self.feature_size // 2 if self.add_missing_mask else self.feature_size

    @classmethod
    def fit(cls, series: Iterable[Any], **settings: Any) -> "SeriesFeatureExtractor":
        """Makes a feature extractor with the statistics of series, which should be those of the training split.

        The series are read once. Their statistics are merged by the parallel algorithm of Chan, Golub and LeVeque
        (1983), which is also exact for large means.

        Args:
            series (`Iterable`): series as in `__call__`. Missing values are ignored.
            settings: settings of the class except `feature_size`, `mean` and `std`.

        Raises:
            ValueError: there are no series, or one of them is malformed.
        """
        total: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
        for number, one in enumerate(series):
            values = as_array(one, None if total is None else len(total[0]), f"series {number}")
            found = moments(values)
            total = found if total is None else merge(total, found)
        if total is None:
            raise ValueError("there are no series to compute the mean and standard deviation of.")
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
        """Prepares one series or several. The result is always a batch.

        Args:
            series: a list of steps, each a list of one value per channel; an array of shape `(steps, channels)`; a
                flat list of values for a single channel; or a list of several series. `None` and NaN are missing
                values.
            padding (`bool` or `str`, *optional*, defaults to `False`): as in `pad`.
            max_length (`int`, *optional*): as in `pad`.
            truncation (`bool`, *optional*, defaults to `False`): whether to truncate series to `max_length` steps.
            pad_to_multiple_of (`int`, *optional*): as in `pad`.
            return_attention_mask (`bool`, *optional*, defaults to `True`): whether to return the attention mask.
            return_tensors (`str`, *optional*): `"pt"` or `"np"`. They need series of equal length, or padding.

        Returns:
            `transformers.BatchFeature`: `input_features`, float32 of shape `(length, feature_size)` for each series,
            and `attention_mask`.

        Raises:
            ValueError: a series is empty, has another number of channels, or holds an invalid or infinite value; or
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
            raise ValueError(f"{where}: a value is too large for float32. Choose another normalize, or another unit.")
        return values.astype(np.float32)

    def _scale(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self.normalize == "sequence":
            count, mean, squares = moments(values)
            return mean, divisor(mean, np.sqrt(squares / np.maximum(count, 1)))
        if self.mean is None or self.std is None:
            raise ValueError(
                'normalize="channel" needs mean and std: use SeriesFeatureExtractor.fit(training_series), or choose '
                'normalize="sequence" or None.'
            )
        mean = np.array(self.mean)
        return mean, divisor(mean, np.array(self.std))

    def _pad(self, processed_features: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        if self.feature_size > 1:
            return super()._pad(processed_features, *args, **kwargs)
        # For one feature, the base class expects flat inputs, and would also pad the axis of the features.
        flat = {**processed_features, "input_features": processed_features["input_features"][:, 0]}
        padded = super()._pad(flat, *args, **kwargs)
        padded["input_features"] = padded["input_features"][:, None]  # (length, 1)
        return padded

    # hfseq may pad whole batches without this method, because the result is the same.
    _pad.pads_like_transformers = True  # type: ignore[attr-defined]


def _statistics(name: str, values: Any, channels: int) -> list[float] | None:
    if values is None:
        return None
    found = np.asarray(values, dtype=np.float64)
    if found.shape != (channels,) or not np.isfinite(found).all() or (name == "std" and (found < 0).any()):
        rule = "finite numbers" if name == "mean" else "finite numbers, none negative"
        raise ValueError(f"{name} must be {channels} {rule}, one per channel, got {values!r}.")
    return found.tolist()
