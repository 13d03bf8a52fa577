import pytest
import torch
from head_tests import RecurrentModelTests
from huggingface_hub.errors import StrictDataclassError
from ragged import CELLS, SIDES, assert_all_close, gradients, make_rows, pad_rows
from torch import nn
from torch.nn import functional as F
from transformers import AutoModelForTimeSeriesPrediction
from transformers.utils import find_labels

from hfseq import RecurrentConfig, RecurrentForTimeSeriesPrediction
from hfseq.models.recurrent.losses import forecast_loss
from hfseq.models.recurrent.series_history import loc_and_scale, to_patches

CHANNELS, HORIZON = 3, 5
FORWARDS = {"forecast_mode": "autoregressive", "bidirectional": False}


class TestRecurrentForTimeSeriesPrediction(RecurrentModelTests):
    model_class, auto_class = RecurrentForTimeSeriesPrediction, AutoModelForTimeSeriesPrediction
    head_weights = {"attention pooling": r"^pooling\.", "forecast": r"^forecast\."}  # noqa: RUF012
    settings = {"input_features": CHANNELS, "prediction_length": HORIZON}  # noqa: RUF012
    feature_sizes = (CHANNELS,)

    def outputs_of_rows(self, outputs, attention_mask):
        return list(outputs.prediction_outputs)

    @pytest.mark.parametrize("cell_type", CELLS)
    def test_saved_model_gives_identical_outputs(self, cell_type, tmp_path):
        model = self.make_model(cell_type=cell_type)
        model.save_pretrained(tmp_path)
        loaded = self.auto_class.from_pretrained(tmp_path)
        assert type(loaded) is self.model_class
        assert torch.equal(loaded(**self.make_inputs(model))[0], model(**self.make_inputs(model))[0])

    def test_forward_needs_exactly_one_input(self):
        model = self.make_model()
        values, future = torch.ones(2, 4, CHANNELS), torch.ones(2, HORIZON, CHANNELS)
        for wrong in (values[0], values[:, :, :2], values[:, :0]):
            with pytest.raises(
                ValueError, match=r"past_values has shape .* must be \(batch, length, 3\) with a length"
            ):
                model(wrong)
        for name, tensor, shape in (
            ("past_observed_mask", values[:, 1:], r"\(2, 4, 3\)"),
            ("attention_mask", torch.ones(2, 3), r"\(2, 4\)"),
            ("future_values", future[:, 1:], r"\(2, 5, 3\)"),
            ("future_observed_mask", future[:1], r"\(2, 5, 3\)"),
        ):
            with pytest.raises(ValueError, match=rf"{name} has shape .*, but must be {shape}"):
                model(values, **{name: tensor})

    def test_forward_rejects_inputs_of_the_other_kind(self):
        with pytest.raises(ValueError, match="the configuration needs input_features, the number of channels"):
            self.model_class(RecurrentConfig(vocab_size=5, prediction_length=1))
        with pytest.raises(ValueError, match="needs prediction_length, the number of steps to forecast"):
            self.model_class(RecurrentConfig(input_features=1))

    def test_hidden_states_and_tuples(self):
        model = self.make_model(patch_length=2, mask_channels=True)
        inputs = self.make_inputs(model)
        outputs = model(**inputs, output_hidden_states=True)
        patches = -(-inputs["past_values"].size(1) // 2)
        sizes = [2 * 2 * CHANNELS, model.config.output_size, model.config.output_size]
        assert [tuple(hidden.shape) for hidden in outputs.hidden_states] == [(7, patches, size) for size in sizes]
        plain = model(**inputs, return_dict=False)
        assert len(plain) == 3 and torch.equal(plain[0], outputs.prediction_outputs)
        assert outputs.loc.shape == outputs.scale.shape == (7, 1, CHANNELS)

    @pytest.mark.parametrize("cell_type", CELLS)
    def test_bfloat16_autocast(self, cell_type):
        model = self.make_model(cell_type=cell_type)
        inputs = self.make_inputs(model)
        inputs["attention_mask"][0] = 0
        future = torch.ones(7, HORIZON, CHANNELS)
        expected = model(**inputs, future_values=future)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = model(**inputs, future_values=future)
        torch.testing.assert_close(found.prediction_outputs, expected.prediction_outputs, rtol=0.1, atol=0.05)
        assert all(gradient.isfinite().all() for gradient in gradients(model, found.loss).values())

    def test_trainer_finds_the_loss(self):
        # As for other forecasting models of transformers, TrainingArguments.label_names has the names of the labels.
        assert find_labels(self.model_class) == [] and self.model_class.accepts_loss_kwargs


def make_forecaster(**config):
    return TestRecurrentForTimeSeriesPrediction().make_model(**config)


def make_future(rows=7):
    random = torch.Generator().manual_seed(3)
    future = torch.randn(rows, HORIZON, CHANNELS, generator=random, dtype=torch.double)
    future[1, 2:] = torch.nan
    return future


VARIANTS = {
    "patches": {"patch_length": 4, "mask_channels": True, "subtract_last": True},
    "channels apart": {
        "channel_independent": True,
        "quantiles": [0.1, 0.5, 0.9],
        "scaling": "mean",
        "pooling": "last",
    },
    "step by step": {**FORWARDS, "mask_channels": True, "scaling": None, "forecast_loss": "huber"},
    "patch by patch": {
        **FORWARDS,
        "patch_length": 2,
        "cell_type": "gru",
        "channel_independent": True,
        "quantiles": [0.2, 0.6],
    },
}


@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_padding_does_not_change_results_in_each_variant(variant, training):
    model = make_forecaster(**VARIANTS[variant]).double().train(training)
    rows, future = make_rows(features=CHANNELS), make_future()
    for row in rows:
        row[::3, 1] = torch.nan
    alone = [
        model(row[None], future_values=target[None], num_items_in_batch=1)
        for row, target in zip(rows, future, strict=True)
    ]
    expected = torch.cat([outputs.prediction_outputs for outputs in alone])
    quantiles = VARIANTS[variant].get("quantiles")
    assert expected.shape == (7, HORIZON, CHANNELS, *([] if quantiles is None else [len(quantiles)]))
    loss = sum(outputs.loss for outputs in alone)
    expected_gradients = gradients(model, loss)
    assert all(gradient.any() and gradient.isfinite().all() for gradient in expected_gradients.values())
    for side, extra in zip(SIDES, (2, 0, 1), strict=True):
        batch, mask = pad_rows(rows, side, extra)
        outputs = model(batch, attention_mask=mask, future_values=future, num_items_in_batch=1)
        torch.testing.assert_close(outputs.prediction_outputs, expected, rtol=1e-9, atol=1e-9)
        assert_all_close(gradients(model, outputs.loss), expected_gradients, 1e-8)
        # A mask can also mark missing values.
        told = model(
            batch.nan_to_num(7.0),
            past_observed_mask=~batch.isnan(),
            attention_mask=mask,
            future_values=future.nan_to_num(9.0),
            future_observed_mask=~future.isnan(),
        )
        torch.testing.assert_close(told.prediction_outputs, expected, rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(told.loss * (~future.isnan()).sum(), loss)


def test_direct_forecast_uses_the_scaled_history():
    model = make_forecaster(scaling="std").double()
    (row,) = make_rows((8,), features=CHANNELS)
    mean, std = row.mean(0), row.std(0, correction=0)
    encoded = model.model.encode(input_features=((row - mean) / std)[None])
    pooled = model.pooling(encoded.outputs[-1], encoded.layout, encoded.state)
    expected = model.forecast(pooled).view(HORIZON, CHANNELS) * std + mean
    torch.testing.assert_close(model(row[None]).prediction_outputs[0], expected)


def test_autoregressive_model_reads_its_own_forecasts():
    """A forecast of several steps equals repeated forecasts of one step, each appended to the history."""
    model = make_forecaster(**FORWARDS, scaling=None).double()
    history, forecasts = torch.stack(make_rows((6, 6), features=CHANNELS)), []
    for _ in range(HORIZON):
        forecasts.append(model(torch.cat([history, *forecasts], 1)).prediction_outputs[:, :1])
    torch.testing.assert_close(model(history).prediction_outputs, torch.cat(forecasts, 1))


@pytest.mark.parametrize("variant", ["step by step", "patch by patch"])
def test_teacher_forcing_reads_the_true_values(variant):
    config = VARIANTS[variant]
    history = torch.stack(make_rows((6, 6), features=CHANNELS))
    model = make_forecaster(**config).double()
    forecast = model(history).prediction_outputs
    own = forecast if "quantiles" not in config else forecast[..., 1]  # 0.6 is nearest to the median
    # With its own forecasts as true values, the forecast is the same; with other values, it differs.
    other = own + torch.linspace(1, 2, HORIZON)[None, :, None]
    model.train()
    torch.testing.assert_close(model(history, future_values=own).prediction_outputs, forecast)
    step = config.get("patch_length", 1)
    forced = model(history, future_values=other).prediction_outputs
    torch.testing.assert_close(forced[:, :step], forecast[:, :step])
    assert not torch.isclose(forced[:, step:], forecast[:, step:]).any()
    # The last steps are not inputs.
    other[:, HORIZON - 1 :] = 5.0
    torch.testing.assert_close(model(history, future_values=other).prediction_outputs, forced)
    model.config.teacher_forcing = False
    torch.testing.assert_close(model(history, future_values=other).prediction_outputs, forecast)


def test_values_after_a_constant_history_fit_into_half_precision():
    history = torch.stack(make_rows((6,), features=CHANNELS))
    history[:] = history[:, :1]
    model = make_forecaster(forecast_mode="autoregressive", bidirectional=False).half().train()
    loss = model(history.half(), future_values=history[:, :1].half().expand(-1, HORIZON, -1) + 1).loss
    loss.backward()
    assert loss.isfinite() and all(value.grad.isfinite().all() for value in model.parameters())


@pytest.mark.parametrize("subtract_last", [False, True])
def test_forecast_scales_with_the_units_of_the_data(subtract_last):
    model = make_forecaster(subtract_last=subtract_last).double()
    history = torch.stack(make_rows((8, 8), features=CHANNELS))
    expected = model(history).prediction_outputs
    moved = model(history * torch.tensor([1e-6, 1.0, 1e6]) + torch.tensor([1e-6, 3.0, -1e6])).prediction_outputs
    torch.testing.assert_close(moved, expected * torch.tensor([1e-6, 1.0, 1e6]) + torch.tensor([1e-6, 3.0, -1e6]))


def test_independent_channels_do_not_depend_on_each_other():
    model = make_forecaster(channel_independent=True).double()
    history = torch.stack(make_rows((8, 8), features=CHANNELS))
    expected = model(history).prediction_outputs
    torch.testing.assert_close(model(history[..., [2, 0, 1]]).prediction_outputs, expected[..., [2, 0, 1]])
    history[..., 0] = 0
    torch.testing.assert_close(model(history).prediction_outputs[..., 1:], expected[..., 1:])


def test_location_and_scale_equal_the_reference():
    nan = torch.nan
    values = torch.tensor(
        [[1.0, -4, 0, 2e6, nan], [3, nan, 0, 2e6, nan], [5, 8, 0, 2e6, nan], [nan, nan, 0, 2e6, nan]]
    )[None]
    observed = ~values.isnan()
    loc, scale = loc_and_scale(values, observed, "std")
    torch.testing.assert_close(loc[0, 0], torch.tensor([3.0, 2.0, 0.0, 2e6, 0.0]))
    torch.testing.assert_close(scale[0, 0], torch.tensor([(8 / 3) ** 0.5, 6.0, 1.0, 20.0, 1.0]))
    loc, scale = loc_and_scale(values, observed, "mean", subtract_last=True)
    torch.testing.assert_close(loc[0, 0], torch.tensor([5.0, 8.0, 0.0, 2e6, 0.0]))
    torch.testing.assert_close(scale[0, 0], torch.tensor([3.0, 6.0, 1.0, 2e6, 1.0]))
    loc, scale = loc_and_scale(values, observed, None)
    assert not loc.any() and (scale == 1).all()


def test_patches_end_with_the_last_step():
    steps = torch.tensor([[1, 2, 3, 4, 5], [9, 6, 9, 7, 8]]).unsqueeze(2)
    patches, mask = to_patches(steps, torch.tensor([[1, 1, 1, 1, 1], [0, 1, 0, 1, 1]]).bool(), 2)
    assert patches.tolist() == [[[0, 1], [2, 3], [4, 5]], [[0, 0], [0, 6], [7, 8]]]
    assert mask.tolist() == [[True, True, True], [False, True, True]]
    patches, mask = to_patches(steps[:1], None, 3)
    assert patches.tolist() == [[[0, 1, 2], [3, 4, 5]]] and mask is None


@pytest.mark.parametrize(
    ("kind", "reference"),
    [("mse", F.mse_loss), ("mae", F.l1_loss), ("huber", F.huber_loss)],
    ids=["mse", "mae", "huber"],
)
def test_loss_ignores_targets_that_were_not_observed(kind, reference):
    model = make_forecaster(forecast_loss=kind)
    history, future = torch.stack(make_rows((8,) * 7, features=CHANNELS)).float(), make_future().float()
    outputs = model(history, future_values=future)
    seen = ~future.isnan()
    torch.testing.assert_close(outputs.loss, reference(outputs.prediction_outputs[seen], future[seen]))
    parts = [
        model(history[part], future_values=future[part], num_items_in_batch=seen.sum()).loss
        for part in (slice(0, 2), slice(2, None))
    ]
    torch.testing.assert_close(sum(parts), outputs.loss)
    assert model(history, future_values=future * torch.nan).loss == 0


def test_pinball_loss_is_lowest_at_the_quantiles():
    values = torch.linspace(0, 1, 101)[:, None, None]
    quantiles = [0.1, 0.5, 0.8]
    forecast = nn.Parameter(torch.tensor(quantiles))
    seen = torch.ones_like(values, dtype=torch.bool)
    loss = forecast_loss(forecast.expand(101, 1, 1, 3), values, seen, quantiles=quantiles)
    assert gradients(nn.ParameterDict({"q": forecast}), loss)["q"].abs().max() < 0.005
    by_hand = sum(
        max(q * (v - q), (q - 1) * (v - q)) for q in quantiles for v in torch.linspace(0, 1, 101).tolist()
    ) / (3 * 101)
    assert loss.item() == pytest.approx(by_hand, rel=1e-5)


def test_model_learns_a_wave():
    time = torch.arange(0, 400) / 4
    windows = (3 + 2 * time.sin()).unfold(0, 30, 1)[:, :, None]
    history, future = windows[:, :25], windows[:, 25:]
    for config in ({"pooling": "last"}, FORWARDS):
        model = make_forecaster(
            input_features=1, cell_type="gru", hidden_size=12, num_hidden_layers=1, **config
        ).train()
        optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
        for step in range(60):
            optimizer.zero_grad()
            model(history[step % 8 :: 8], future_values=future[step % 8 :: 8]).loss.backward()
            optimizer.step()
        error = model.eval()(history, future_values=future).loss.item()
        assert error < 0.1 * (future - history[:, -1:]).square().mean()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"forecast_mode": "autoregressive"},
            "an autoregressive forecast must have one direction: set bidirectional=False",
        ),
        ({"quantiles": [0.5, 0.1]}, r"quantiles must be between 0 and 1 in ascending order, not \[0.5, 0.1\]"),
        ({"quantiles": [0.5, 1]}, "quantiles must be between 0 and 1"),
        ({"quantiles": []}, "quantiles must be between 0 and 1"),
        ({"patch_length": 0}, "patch_length must be at least 1, not 0"),
        ({"prediction_length": 0}, "prediction_length must be at least 1, not 0"),
        ({"scaling": "max"}, r"expected one of \('std', 'mean'\), got max"),
    ],
    ids=str,
)
def test_config_rejects_settings_that_exclude_each_other(values, message):
    with pytest.raises(StrictDataclassError, match=message):
        RecurrentConfig(**values)
