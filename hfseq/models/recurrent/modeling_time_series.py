"""A recurrent backbone with a forecasting head: all steps at once, or one after the other."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers.utils import ModelOutput, can_return_tuple

from .configuration_recurrent import RecurrentConfig
from .losses import forecast_loss
from .modeling_recurrent import EncodedTokens, RecurrentModel, RecurrentPreTrainedModel
from .pooling import SequencePooling
from .series_history import MAX_SCALED, loc_and_scale, to_patches


@dataclass
class RecurrentTimeSeriesPredictionOutput(ModelOutput):
    """
    Output of [`RecurrentForTimeSeriesPrediction`].

    Args:
        loss (`torch.Tensor`, *optional*):
            Loss of the forecast, if `future_values` are given.
        prediction_outputs (`torch.Tensor` of shape `(batch, prediction_length, channels)`):
            Forecasts in the units of the data. With `quantiles`, the shape is
            `(batch, prediction_length, channels, num_quantiles)`.
        hidden_states (`tuple[torch.Tensor, ...]`, *optional*):
            Inputs of the first layer and outputs of each layer, for the patches of the history, with
            `output_hidden_states`. With `channel_independent`, each channel of a series is a row.
        loc, scale (`torch.Tensor` of shape `(batch, 1, channels)`):
            Values that are subtracted from the history, and by which it is then divided.
    """

    loss: Tensor | None = None
    prediction_outputs: Tensor | None = None
    hidden_states: tuple[Tensor, ...] | None = None
    loc: Tensor | None = None
    scale: Tensor | None = None


class RecurrentForTimeSeriesPrediction(RecurrentPreTrainedModel):
    """A recurrent backbone that forecasts a numeric series from its history.

    In mode `"direct"` a linear layer predicts all steps from the pooled history. In mode `"autoregressive"` it
    predicts the next step (or patch), which is the next input (Salinas et al. 2020, "DeepAR"). With several quantiles,
    the input is the quantile nearest to the median.

    The loss is in the units of the data, not of the scaled series. It can therefore be compared with that of other
    models of transformers, it does not depend on `scaling`, and a series with an almost constant history does not
    dominate it.

    Raises:
        ValueError: the configuration does not have `input_features` or `prediction_length`.
    """

    main_input_name = "past_values"
    # Trainer then passes num_items_in_batch, and the loss is divided by it.
    accepts_loss_kwargs = True

    def __init__(self, config: RecurrentConfig):
        super().__init__(config)
        if config.input_features is None or config.prediction_length is None:
            missing = "input_features" if config.input_features is None else "prediction_length"
            what = "the number of channels" if config.input_features is None else "the number of steps to forecast"
            raise ValueError(f"the configuration needs {missing}, {what}")
        self.model = RecurrentModel(config)
        self.direct = config.forecast_mode == "direct"
        if self.direct:
            self.pooling = SequencePooling(config)
        self.dropout = nn.Dropout(config.classifier_dropout)
        channels = 1 if config.channel_independent else config.input_features
        steps = config.prediction_length if self.direct else config.patch_length
        levels = config.quantiles or [0.5]
        self.fed_back = min(range(len(levels)), key=lambda number: abs(levels[number] - 0.5))
        # Shape of the forecast from one hidden state.
        self.forecast_shape = (steps, channels, len(levels))
        self.forecast = nn.Linear(config.output_size, math.prod(self.forecast_shape))
        self.post_init()

    @can_return_tuple
    def forward(
        self,
        past_values: Tensor,
        past_observed_mask: Tensor | None = None,
        attention_mask: Tensor | None = None,
        future_values: Tensor | None = None,
        future_observed_mask: Tensor | None = None,
        num_items_in_batch: Tensor | int | None = None,
        output_hidden_states: bool | None = None,
    ) -> RecurrentTimeSeriesPredictionOutput:
        """
        Args:
            past_values (`torch.Tensor` of shape `(batch, length, channels)`): the history. NaN is a missing value.
            past_observed_mask (`torch.Tensor` of the same shape, *optional*): 1 at observed values, 0 at missing ones.
            attention_mask (`torch.Tensor` of shape `(batch, length)`, *optional*): 1 at real steps, 0 at padding,
                which may be anywhere. By default all steps are real.
            future_values (`torch.Tensor` of shape `(batch, prediction_length, channels)`, *optional*): the true
                values, for the loss. NaN is a missing value.
            future_observed_mask (`torch.Tensor` of the same shape, *optional*): 1 at observed values.
            num_items_in_batch (`int` or `torch.Tensor`, *optional*): number of observed values in `future_values` in
                the whole batch, if this is a part of it. The loss is divided by it.
            output_hidden_states (`bool`, *optional*): whether to return the outputs of all layers.

        Raises:
            ValueError: a tensor has another shape.
        """
        self._check_shapes(past_values, past_observed_mask, attention_mask, future_values, future_observed_mask)
        # Half precision is too low for statistics.
        values = past_values.to(torch.promote_types(past_values.dtype, torch.float32))
        observed = _observed(values, past_observed_mask)
        mask = None if attention_mask is None else attention_mask.bool()
        if mask is not None:
            observed = observed & mask.unsqueeze(2)
        loc, scale = loc_and_scale(values, observed, self.config.scaling, self.config.subtract_last)

        encoded = self._encode(self._inputs((values - loc) / scale, observed), mask)
        forced = None
        if future_values is not None:
            target_observed = _observed(future_values, future_observed_mask)
            if self.training and self.config.teacher_forcing and not self.direct:
                future = (future_values - loc) / scale
                if self.config.scaling is not None:
                    future = future.clamp(-MAX_SCALED, MAX_SCALED)
                forced = self._inputs(future, target_observed)
        scaled = self._unfold(self._predict(encoded, forced), len(values))  # (batch, horizon, channels, quantiles)
        predictions = scaled.to(loc.dtype) * scale.unsqueeze(3) + loc.unsqueeze(3)
        predictions = predictions.to(torch.promote_types(self.dtype, torch.float32))
        if self.config.quantiles is None:
            predictions = predictions.squeeze(3)
        loss = None
        if future_values is not None:
            kind, quantiles = self.config.forecast_loss, self.config.quantiles
            loss = forecast_loss(predictions, future_values, target_observed, kind, quantiles, num_items_in_batch)
        return RecurrentTimeSeriesPredictionOutput(
            loss=loss,
            prediction_outputs=predictions,
            hidden_states=self._hidden_states(encoded, output_hidden_states),
            loc=loc,
            scale=scale,
        )

    def _inputs(self, scaled: Tensor, observed: Tensor) -> Tensor:
        """Inputs of the backbone, `(rows, length, size)`. Missing values are zero."""
        scaled = scaled.masked_fill(~observed, 0)
        if self.config.channel_independent:
            scaled, observed = (
                part.transpose(1, 2).flatten(0, 1).unsqueeze(2) for part in (scaled, observed)
            )  # (batch * channels, length, 1)
        return torch.cat([scaled, observed.to(scaled.dtype)], 2) if self.config.mask_channels else scaled

    def _encode(self, inputs: Tensor, mask: Tensor | None) -> EncodedTokens:
        if mask is not None and self.config.channel_independent:
            mask = mask.repeat_interleave(len(inputs) // len(mask), 0)
        patches, mask = to_patches(inputs, mask, self.config.patch_length)
        return self.model.encode(input_features=patches, attention_mask=mask)

    def _predict(self, encoded: EncodedTokens, forced: Tensor | None) -> Tensor:
        """The scaled forecast of each row, `(rows, prediction_length, row channels, quantiles)`."""
        if self.direct:
            return self._read_out(self.pooling(encoded.outputs[-1], encoded.layout, encoded.state))
        count = -(-self.config.prediction_length // self.config.patch_length)  # type: ignore[operator]
        steps = self._step_by_step(encoded, count) if forced is None else self._forced(encoded, forced, count)
        return steps[:, : self.config.prediction_length]

    def _forced(self, encoded: EncodedTokens, future: Tensor, count: int) -> Tensor:
        """Predicts each step from the true values before it (Williams & Zipser 1989), in one pass."""
        hidden = encoded.state.hidden[-1].unsqueeze(1)  # (rows, 1, hidden)
        if count > 1:
            patches = future[:, : (count - 1) * self.config.patch_length].reshape(len(future), count - 1, -1)
            later = self.model.encode(input_features=patches, past_key_values=encoded.state)
            hidden = torch.cat([hidden, later.layout.unpack(later.outputs[-1])], 1)  # (rows, count, hidden)
        return self._read_out(hidden).flatten(1, 2)

    def _step_by_step(self, encoded: EncodedTokens, count: int) -> Tensor:
        """Predicts each step from the predictions before it."""
        state = encoded.state
        forecasts = [self._read_out(state.hidden[-1])]  # (rows, patch_length, row channels, quantiles) each
        while len(forecasts) < count:
            step = forecasts[-1][..., self.fed_back]
            if self.config.mask_channels:
                step = torch.cat([step, torch.ones_like(step)], 2)
            state = self.model.encode(input_features=step.flatten(1).unsqueeze(1), past_key_values=state).state
            forecasts.append(self._read_out(state.hidden[-1]))
        return torch.cat(forecasts, 1)

    def _read_out(self, hidden: Tensor) -> Tensor:
        return self.forecast(self.dropout(hidden)).unflatten(-1, self.forecast_shape)

    def _unfold(self, steps: Tensor, batch: int) -> Tensor:
        """Combines rows that are channels of one series: `(batch, horizon, channels, quantiles)`."""
        if not self.config.channel_independent:
            return steps
        return steps.squeeze(2).unflatten(0, (batch, -1)).transpose(1, 2)

    def _check_shapes(
        self,
        past_values: Tensor,
        past_observed_mask: Tensor | None,
        attention_mask: Tensor | None,
        future_values: Tensor | None,
        future_observed_mask: Tensor | None,
    ) -> None:
        channels, horizon = self.config.input_features, self.config.prediction_length
        if past_values.dim() != 3 or past_values.size(2) != channels or past_values.size(1) == 0:
            raise ValueError(
                f"past_values has shape {tuple(past_values.shape)}, but must be (batch, length, {channels}) with a "
                "length of at least 1"
            )
        future = (past_values.size(0), horizon, channels)
        for name, tensor, shape in (
            ("past_observed_mask", past_observed_mask, tuple(past_values.shape)),
            ("attention_mask", attention_mask, tuple(past_values.shape[:2])),
            ("future_values", future_values, future),
            ("future_observed_mask", future_observed_mask, future),
        ):
            if tensor is not None and tuple(tensor.shape) != shape:
                raise ValueError(f"{name} has shape {tuple(tensor.shape)}, but must be {shape}")


def _observed(values: Tensor, mask: Tensor | None) -> Tensor:
    """True at observed values."""
    observed = ~values.isnan()
    return observed if mask is None else observed & mask.bool()
