"""Forecasting: loss, metrics, models and training."""

import json

import numpy as np
import pytest
import torch
from series_tables import SIZES, write_table
from small import check_saved_sums
from torch.nn import functional as F
from transformers import (
    AutoModelForTimeSeriesPrediction,
    EvalPrediction,
    PatchTSMixerConfig,
    PatchTSMixerForPrediction,
    PatchTSTConfig,
    PatchTSTForPrediction,
)

from hfseq.commands import main
from hfseq.data.arguments import DataArguments
from hfseq.errors import HfseqError
from hfseq.inference.predictor import Predictor
from hfseq.modalities.series.windows import Standardization
from hfseq.models.recurrent import RecurrentConfig, RecurrentForTimeSeriesPrediction
from hfseq.registry import get_task
from hfseq.tasks import Forecasting, LossSettings
from hfseq.tasks.forecasting.data import unit_note
from hfseq.training.run import run_training
from hfseq.training.saved_predictions import load_examples
from hfseq.training.settings import resolve

UNIT = Standardization(np.zeros(2), np.ones(2))


def make_task(**settings):
    return Forecasting(("a", "b"), settings.pop("standardization", UNIT), 3, 2, **settings)


def test_loss_is_additive_and_ignores_missing_values():
    torch.manual_seed(0)
    forecasts, targets = torch.randn(5, 2, 2), torch.randn(5, 2, 2)
    targets[0, 0] = torch.nan
    targets[3, 1, 1] = torch.nan
    given = ~targets.isnan()
    for kind, reference in (("mse", F.mse_loss), ("mae", F.l1_loss), ("huber", F.huber_loss)):
        task = make_task(loss_name=kind)
        assert task.count_items({"labels": targets}) == 17
        whole = task.loss({"prediction_outputs": forecasts}, {"labels": targets})
        torch.testing.assert_close(whole, reference(forecasts[given], targets[given]))
        parts = [
            task.loss({"prediction_outputs": forecasts[part]}, {"labels": targets[part]}, torch.tensor(17))
            for part in (slice(0, 2), slice(2, 5))
        ]
        torch.testing.assert_close(sum(parts), whole)


def test_metrics_match_manual_computation():
    task = make_task(standardization=Standardization(np.array([10.0, 0.0]), np.array([2.0, 1.0])))
    forecasts = np.array([[[0.0, 1.0], [1.0, 1.0]]])
    targets = np.array([[[1.0, 1.0], [np.nan, 2.0]]])
    scale = np.array([[4.0, 0.5]])
    found = task.compute_metrics(EvalPrediction(forecasts, (targets, scale)))
    assert found["mse"] == pytest.approx(2 / 3) and found["mae"] == pytest.approx(2 / 3)
    # In the units of the data: forecasts 10, 1, 1 and targets 12, 1, 2.
    assert found["smape"] == pytest.approx(200 * (2 / 22 + 0 + 1 / 3) / 3)
    assert found["mase"] == pytest.approx((2 / 4 + 0.5 / 0.5) / 2)
    assert task.default_metric == "mse" and "mase" in task.metric_names
    assert make_task(quantiles=(0.1, 0.9)).metric_names == ("pinball", "coverage_error")
    assert make_task(quantiles=(0.1, 0.5, 0.9)).default_metric == "pinball"


@pytest.mark.parametrize("quantiles", [None, (0.1, 0.5, 0.9)])
def test_example_scores_average_to_the_metric(quantiles):
    source = np.random.default_rng(0)
    targets = source.normal(size=(11, 2, 2))
    targets[0, 0] = np.nan
    forecasts = source.normal(size=(11, 2, 2) if quantiles is None else (11, 2, 2, 3))
    task = make_task(quantiles=quantiles)
    scores = task.example_scores(forecasts, (targets, np.ones((11, 2))))
    found = task.compute_metrics(EvalPrediction(forecasts, (targets, np.ones((11, 2)))))
    assert len(scores) == 11 and scores.mean() == pytest.approx(found[task.default_metric])


def test_scratch_values_contain_sizes_of_the_data():
    task = make_task(loss_name="mae")
    ours = task.scratch_values("hfseq_recurrent", {}, {"hidden_size": 8})
    assert ours == {
        "input_features": 2, "prediction_length": 2, "forecast_loss": "mae", "quantiles": None, "hidden_size": 8
    }  # fmt: skip
    patchtst = task.scratch_values("patchtst", {}, {})
    assert patchtst == {"num_input_channels": 2, "prediction_length": 2, "context_length": 3}
    for model_type, overrides, message in (
        ("bert", {}, "'bert' cannot forecast; use hfseq_recurrent, patchtst or patchtsmixer"),
        (
            "hfseq_recurrent",
            {"quantiles": [0.5]},
            r"config_overrides sets quantiles to \[0.5\], but it is None",
        ),
        ("patchtst", {"loss": "nll"}, "config_overrides cannot set loss \\('nll'\\): use --forecast_loss instead"),
    ):
        with pytest.raises(HfseqError, match=message):
            task.scratch_values(model_type, {}, overrides)
    with pytest.raises(HfseqError, match="'patchtst' cannot forecast quantiles; use hfseq_recurrent"):
        make_task(quantiles=(0.5,)).scratch_values("patchtst", {}, {})
    with pytest.raises(HfseqError, match="class_weights and label_smoothing_factor are for classification"):
        Forecasting.from_data(None, DataArguments(), LossSettings("balanced"))
    assert get_task("forecasting") is Forecasting


def test_model_inputs_contain_future_only_for_autoregressive_training():
    task = make_task()
    inputs = {"past_values": torch.ones(1, 3, 2), "labels": torch.ones(1, 2, 2), "mase_scale": torch.ones(1, 2)}
    for mode, training, expected in (
        ("direct", True, {"past_values"}),
        ("autoregressive", True, {"past_values", "future_values"}),
        ("autoregressive", False, {"past_values"}),
    ):
        values = task.scratch_values(
            "hfseq_recurrent", {}, {"forecast_mode": mode, "bidirectional": False, "hidden_size": 4}
        )
        model = RecurrentForTimeSeriesPrediction(RecurrentConfig(**values)).train(training)
        assert set(task.model_inputs(model, inputs)) == expected


def test_model_inputs_rename_mask_for_patchtsmixer():
    task = make_task()
    past = torch.randn(1, 8, 2)
    inputs = {"past_values": past, "past_observed_mask": torch.ones(1, 8, 2, dtype=torch.bool), "labels": past}
    sizes = {"context_length": 8, "prediction_length": 2, "num_input_channels": 2, "patch_length": 4, "d_model": 8}
    mixer = PatchTSMixerForPrediction(PatchTSMixerConfig(**sizes, patch_stride=4))
    assert set(task.model_inputs(mixer, inputs)) == {"past_values", "observed_mask"}
    transformer = PatchTSTForPrediction(PatchTSTConfig(**sizes, num_hidden_layers=1, num_attention_heads=2))
    assert set(task.model_inputs(transformer, inputs)) == {"past_values", "past_observed_mask"}


def train(tmp_path, **settings):
    table = write_table(tmp_path / "sales.csv", **settings.pop("table", {}))
    return run_training(
        {
            "task": "forecasting", "dataset": str(table), "cache_dir": str(tmp_path / "cache"), **SIZES,
            "num_train_epochs": 1, "output_dir": str(tmp_path / "run"), "use_cpu": True, "disable_tqdm": True,
            **settings,
        }
    )  # fmt: skip


def test_train_evaluate_and_predict(tmp_path, capsys):
    settings = {"model": "gru", "config_overrides": "hidden_size=8", "id_column": "shop", "learning_rate": 0.01}
    record = train(tmp_path, table={"gap": 30}, **settings)
    assert record.data["channels"] == ["sold", "returned"] and record.data["metric"] == "mse"
    assert record.data["examples"] == {"train": 2 * 85, "validation": 2 * 9, "test": 2 * 9}
    assert "standardised values (mean and standard deviation of each channel" in record.data["scale"]
    baselines = record.data["baselines"]
    saved = check_saved_sums(record, tmp_path / "run")
    assert saved.groups.tolist() == [0] * 4 + [1] * 4 + [2] + [3] * 4 + [4] * 4 + [5]  # blocks of two series
    preview = load_examples(tmp_path / "run")[0]
    assert preview["channels"] == ["sold", "returned"] and 80 < preview["series"][0][-1] < 120
    errors = record.details["test"]["channels"]
    assert [error["channel"] for error in errors] == ["sold", "returned"]
    mean = np.mean([error["mse_standardized"] for error in errors])
    assert mean == pytest.approx(record.metrics["test"]["mse"], rel=1e-5)
    assert baselines["seasonal_naive"]["mase"] == pytest.approx(1, abs=0.3)
    assert baselines["linear"]["mse"] < baselines["seasonal_naive"]["mse"] < baselines["last_value"]["mse"]

    predictor = Predictor.load(str(tmp_path / "run"), device="cpu")
    assert isinstance(predictor.model, RecurrentForTimeSeriesPrediction)
    found = predictor.evaluate()
    for name, value in found.items():
        assert value == pytest.approx(record.metrics["test"][name], rel=1e-5)

    with pytest.raises(HfseqError, match=r"forecasting has no target_column \('sold'\).* with --input_column a,b"):
        predictor.evaluate(target_column="sold")
    # Records of earlier versions may contain this setting, which had no effect.
    predictor.arguments.target_column = predictor.arguments.label_column = "sold"
    assert predictor.evaluate() == found

    # Channels are matched by name. Forecasts are in the units of the data, for any part of the series.
    lines = (tmp_path / "sales.csv").read_text().splitlines()
    history = tmp_path / "history.csv"
    cells = [line.split(",") for line in lines[:1] + lines[60:121]]
    history.write_text("\n".join(",".join((row[0], row[3], row[2])) for row in cells) + "\n")
    capsys.readouterr()
    assert main(["predict", str(tmp_path / "run"), "--input", str(history), "--format", "csv"]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header == "input,step,time,sold,returned" and len(rows) == 4
    assert all(80 < float(row.split(",")[3]) < 120 and 3 < float(row.split(",")[4]) < 7 for row in rows)
    assert main(["predict", str(tmp_path / "run"), "--input", str(history), "--format", "jsonl"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["input"] == "the series" and np.shape(answer["values"]) == (4, 2)
    # The last time in the table is the 29th of April.
    assert answer["times"] == ["2024-04-30", "2024-05-01", "2024-05-02", "2024-05-03"]
    assert main(["predict", str(tmp_path / "run"), "--input", str(history)]) == 0
    assert capsys.readouterr().out.splitlines()[0].split("\t")[:3] == ["the series", "1", "2024-04-30"]
    assert main(["evaluate", str(tmp_path / "run"), "--dataset", str(history)]) == 0
    captured = capsys.readouterr()
    assert "mase" in captured.out and "note: mse, mae, rmse and pinball are computed on standard" in captured.err
    history.write_text("day,sold,returned\n2024-01-01,1,2\n")
    assert main(["predict", str(tmp_path / "run"), "--input", str(history)]) == 2
    assert "1 steps, but the model reads the last 8 (context_length)" in capsys.readouterr().err
    history.write_text("day,sold,lost\n2024-01-01,1,2\n")
    assert main(["predict", str(tmp_path / "run"), "--input", str(history)]) == 2
    assert "has the channels 'sold', 'lost', but the model reads 'sold', 'returned'" in capsys.readouterr().err


def test_train_patchtst(tmp_path):
    record = train(
        tmp_path,
        model="transformer",
        table={"steps": 60, "ids": ("one",)},
        config_overrides="d_model=8,num_attention_heads=2,ffn_dim=8,num_hidden_layers=1,patch_length=2",
        input_column="sold",
    )
    assert record.model["architecture"] == "PatchTSTForPrediction" and record.data["channels"] == ["sold"]
    loaded = AutoModelForTimeSeriesPrediction.from_pretrained(tmp_path / "run")
    assert isinstance(loaded, PatchTSTForPrediction) and loaded.config.context_length == 8
    found = Predictor.load(str(tmp_path / "run"), device="cpu").evaluate()
    assert found["mse"] == pytest.approx(record.metrics["test"]["mse"], rel=1e-5)


def test_train_and_predict_quantiles(tmp_path, capsys):
    record = train(
        tmp_path,
        model="lstm",
        table={"steps": 60, "ids": ("one",)},
        config_overrides="hidden_size=4",
        id_column="shop",
        quantiles="0.1,0.5,0.9",
        normalization="none",
    )
    assert record.data["metric"] == "pinball" and {"pinball", "coverage_error", "mase"} <= set(record.metrics["test"])
    assert record.data["scale"] == unit_note(standardised=False) and "the units of the data" in record.data["scale"]
    assert record.data["scale"] in record.data["notes"]
    assert main(["predict", str(tmp_path / "run"), "--input", str(tmp_path / "sales.csv"), "--format", "csv"]) == 0
    header = capsys.readouterr().out.splitlines()[0]
    assert header == "input,step,time,sold_q0.1,sold_q0.5,sold_q0.9,returned_q0.1,returned_q0.5,returned_q0.9"


def test_recurrent_presets_select_cell_type():
    for name in ("lstm", "gru", "rnn", "mingru", "minlstm"):
        given = resolve({"task": "forecasting", "dataset": "builtin:seasonal", "model": name})
        assert f'"cell_type": "{name}"' in given.model.config_overrides
