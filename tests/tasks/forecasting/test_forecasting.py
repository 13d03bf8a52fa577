import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from datasets import Dataset, DatasetDict
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
from hfseq.comparison.report import to_markdown
from hfseq.data.arguments import DataArguments
from hfseq.errors import HfseqError
from hfseq.inference.predictor import Predictor
from hfseq.modalities.series.step_table import histories_from_steps
from hfseq.modalities.series.windows import Standardization, Windows, window_starts
from hfseq.models.recurrent import RecurrentConfig, RecurrentForTimeSeriesPrediction
from hfseq.registry import get_task
from hfseq.tasks import Forecasting, LossSettings
from hfseq.tasks.forecasting.baselines import apply_linear, fit_linear
from hfseq.tasks.forecasting.data import unit_note
from hfseq.tasks.forecasting.time_splits import cut_in_time
from hfseq.training.run import run_training
from hfseq.training.settings import resolve

SIZES = {"context_length": 8, "prediction_length": 4, "seasonality": 4}
UNIT = Standardization(np.zeros(2), np.ones(2))


def make_task(**settings):
    return Forecasting(("a", "b"), settings.pop("standardization", UNIT), 3, 2, **settings)


def write_table(path, steps=120, ids=("north", "south"), gap=None):
    """Writes one row per step: two channels with a season of 4 and noise. The value of row `gap` is missing."""
    source = np.random.default_rng(0)
    lines = ["day,shop,sold,returned"]
    for name in ids:
        for step in range(steps):
            season = np.sin(np.pi * step / 2)
            sold = "" if step == gap else f"{100 + 10 * season + source.normal():.3f}"
            returned = 5 - season + 0.1 * source.normal()
            lines.append(f"{np.datetime64('2024-01-01') + step},{name},{sold},{returned:.3f}")
    path.write_text("\n".join(lines) + "\n")
    return path


# --- reading


def test_read_table_of_steps():
    columns = {
        "v": [3.0, 1.0, None, 20.0, 10.0],
        "date": ["2024-01-03", "2024-01-01", "2024-01-02", "2024-01-02", "2024-01-01"],
        "id": ["p", "p", "p", "q", "q"],
        "w": [1, 2, 3, 4, 5],
    }
    found = histories_from_steps(Dataset.from_dict(columns), where="x.csv")
    # The columns of times and series are detected, and rows are sorted.
    assert found["series"][:] == [[[1, 2], [None, 3], [3, 1]], [[10, 5], [20, 4]]]
    assert found["name"][:] == ["p", "q"] and found["channels"][0] == ["v", "w"]
    one = histories_from_steps(Dataset.from_dict({"day": ["2024-01-02", "2024-01-01"], "v": [5, 6]}), where="x.csv")
    assert one["series"][:] == [[[6], [5]]]
    some = histories_from_steps(Dataset.from_dict(columns), channel_columns=["w"], where="x.csv")
    assert some["series"][:] == [[[2], [3], [1]], [[5], [4]]]


def test_numeric_time_column_orders_steps_and_is_not_a_channel():
    """The column that orders the steps is not a channel. A measurement is a channel, and does not order the rows."""

    def histories(**columns):
        return histories_from_steps(Dataset.from_dict(columns), where="x.csv")

    assert histories(step=[3, 4, 5], v=[5, 6, 7])["channels"][0] == ["v"]
    assert histories(time=[0.0, 10.0, 20.0], v=[5, 6, 7])["channels"][0] == ["v"]
    assert histories(id=["p", "p", "q", "q"], step=[1, 2, 1, 2], v=[5, 6, 7, 8])["channels"][0] == ["v"]
    # Steps may be missing, and may be in descending order.
    assert histories(index=[1, 2, 4], v=[5, 6, 7])["series"][0] == [[5], [6], [7]]
    assert histories(index=[2, 1, 0], v=[5, 6, 7])["series"][0] == [[7], [6], [5]]
    for values in ([100.1, 101.2, 99.3], [1.5, 2.5, 3.5], [1, 1, 1], [1, None, 3], [3, 1, 5]):
        table = histories(index=values, v=[5, 6, 7])
        assert table["channels"][0] == ["index", "v"]
        assert table["series"][0] == [[value, other] for value, other in zip(values, (5, 6, 7), strict=True)]


@pytest.mark.parametrize(
    ("columns", "settings", "message"),
    [
        ({"v": ["1", "two"]}, {}, "column 'v' holds string and not numbers, such as 'two' in row 1"),
        (
            {"v": [1, 2], "d": ["2024-01-01"] * 2},
            {},
            "row 1: the time '2024-01-01' of 'the table' is already in row 0",
        ),
        (
            {"v": [1, 2], "d": ["2024-01-01", "soon"]},
            {"time_column": "d"},
            "row 1: 'soon' is neither a number nor an ISO",
        ),
        ({"v": [1, 2]}, {"channel_columns": ["w"]}, "there is no column 'w'"),
        ({"d": ["2024-01-01", "2024-01-02"]}, {}, "no column of numbers is left to forecast among 'd'"),
        ({"v": []}, {}, "x.csv has no rows"),
    ],
)
def test_load_rejects_invalid_tables(columns, settings, message):
    with pytest.raises(HfseqError, match=message):
        histories_from_steps(Dataset.from_dict(columns), where="x.csv", **settings)


def test_load_notes_gaps_in_time(tmp_path):
    lines = write_table(tmp_path / "sales.csv").read_text().splitlines()
    wanted = (
        "gaps in time: 'north' goes from 2024-02-18 directly to 2024-03-05, although its steps are usually 1 day "
        "apart; 1 of 2 series have gaps. Models treat steps as equally spaced: add rows with empty cells for missing "
        "steps"
    )
    for name, kept, notes in (("whole", lines, []), ("cut", [*lines[:50], *lines[65:]], [wanted])):
        path = tmp_path / f"{name}.csv"
        path.write_text("\n".join(kept) + "\n")
        arguments = DataArguments(dataset=str(path), cache_dir=str(tmp_path / "cache"), id_column="shop", **SIZES)
        assert [note for note in Forecasting.load(arguments).notes if "gaps" in note] == notes


# --- cutting


def test_cut_in_time_returns_bounds_of_splits():
    arguments = DataArguments(context_length=4, prediction_length=3, validation_fraction=0.2, test_fraction=0.01)
    # Each part is at least as long as a forecast.
    assert cut_in_time(30, ["validation", "test"], arguments, "x") == {
        "train": (0, 21),
        "validation": (21, 27),
        "test": (27, 30),
    }
    arguments = replace(arguments, time_splits="10,4,5")
    assert cut_in_time(30, ["validation", "test"], arguments, "x")["test"] == (14, 19)
    with pytest.raises(HfseqError, match="x has 18 steps, but time_splits 10,4,5 need 19"):
        cut_in_time(18, ["validation", "test"], arguments, "x")
    arguments = replace(arguments, time_splits="10,4,2")
    with pytest.raises(HfseqError, match=r"the test part of 2 steps is shorter than prediction_length \(3\)"):
        cut_in_time(18, ["validation", "test"], arguments, "x")
    arguments = replace(arguments, time_splits="10,4")
    with pytest.raises(HfseqError, match="time_splits must be three numbers of steps"):
        cut_in_time(18, ["validation", "test"], arguments, "x")
    with pytest.raises(HfseqError, match="quantiles must be ascending numbers between 0 and 1"):
        DataArguments(quantiles="0.5,0.1")


def test_windows_of_series():
    values = np.arange(10.0)[:, None]
    assert window_starts(values, 3, 2).tolist() == [3, 4, 5, 6, 7, 8]
    assert window_starts(values, 3, 2, stride=3).tolist() == [5, 8]  # the last ends with the series
    values[4:7] = np.nan
    assert window_starts(values, 3, 2).tolist() == [3, 6, 7, 8]  # not those without an observed target
    windows = Windows([values, values + 10], [[3, 8], [5]], np.array([[2.0], [np.nan]]), 3, 2)
    dataset = windows.dataset()
    assert list(dataset["length"]) == [3, 3, 3] and len(dataset) == 3
    row = dataset[1]
    assert row["past_values"][:, 0].tolist() == [0, 0, 7] and row["past_observed_mask"][:, 0].tolist() == [0, 0, 1]
    assert row["labels"][:, 0].tolist() == [8, 9] and row["mase_scale"].tolist() == [2]
    assert dataset[2]["past_values"][:, 0].tolist() == [12, 13, 0]


# --- loss and metrics


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
def test_block_scores_average_to_the_metric(quantiles):
    source = np.random.default_rng(0)
    targets = source.normal(size=(11, 2, 2))
    targets[0, 0] = np.nan
    forecasts = source.normal(size=(11, 2, 2) if quantiles is None else (11, 2, 2, 3))
    task = make_task(quantiles=quantiles)
    scores = task.example_scores(forecasts, (targets, np.ones((11, 2))))
    found = task.compute_metrics(EvalPrediction(forecasts, (targets, np.ones((11, 2)))))
    assert len(scores) == 6 and scores.mean() == pytest.approx(found[task.default_metric])
    assert task.example_scores(forecasts[:8], (targets[:8], np.ones((8, 2)))) is None


def test_linear_baseline_learns_linear_rule():
    source = np.random.default_rng(0)
    steps = [1.0, 1.0]
    for _ in range(300):
        steps.append(steps[-1] + 0.5 * (steps[-1] - steps[-2]) + source.normal())
    series = np.array(steps)[:, None]
    starts = window_starts(series, 4, 1).tolist()
    windows = Windows([series], [starts], np.ones((1, 1)), 4, 1)
    weights = fit_linear(windows, windows)
    past = np.array([[[9.0], [9.0], [1.0], [2.0]]])
    # The next change is half of the last change, independent of the level of the series.
    found = apply_linear(weights, past)[0, 0, 0]
    assert found == pytest.approx(2 + 0.5 * (2 - 1), abs=0.5)
    assert apply_linear(weights, past + 100)[0, 0, 0] == pytest.approx(found + 100)


@pytest.mark.parametrize("gaps", ["few", "in each target"])
def test_linear_baseline_ignores_missing_values(gaps):
    """It is fitted to complete targets if there are enough; otherwise each step is fitted separately."""
    series, starts = np.arange(200.0)[:, None], np.arange(4, 199)
    series[1 :: 20 if gaps == "few" else 2] = np.nan
    windows = Windows([series], [starts.tolist()], np.ones((1, 1)), 2, 2)
    missing = np.isnan(windows.targets(windows.rows, windows.starts)).any(axis=(1, 2))
    assert missing.all() == (gaps != "few") and missing.any()
    weights = fit_linear(windows, windows)
    # The series increases by one per step. Every other value is missing, so observed values differ by two.
    found = apply_linear(weights, np.array([[[7.0], [8.0]]]))[0, :, 0]
    assert found == pytest.approx([9 if gaps == "few" else 10, 10], abs=0.1)


def test_load_rejects_part_without_observed_targets(tmp_path):
    rows = {"series": [[[float(step % 4)] if step < 40 else [None] for step in range(60)]]}
    (tmp_path / "gone.jsonl").write_text(json.dumps({"series": rows["series"][0]}) + "\n")
    arguments = DataArguments(
        dataset=str(tmp_path / "gone.jsonl"), cache_dir=str(tmp_path / "cache"), time_splits="30,10,20", **SIZES
    )
    with pytest.raises(HfseqError, match=r"the test part of .* has no value to forecast: all values after the first"):
        Forecasting.load(arguments)


# --- models


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


def test_load_keeps_given_splits(tmp_path):
    rows = [{"series": [[float(step % 4), 1.0 * step] for step in range(length)]} for length in (40, 30)]
    folder = tmp_path / "data"
    folder.mkdir()
    for split in ("train", "test"):
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    data = Forecasting.load(DataArguments(dataset=str(folder), cache_dir=str(tmp_path / "cache"), **SIZES))
    assert isinstance(data.splits, DatasetDict) and data.channels == ["0", "1"]
    # Test windows start after the first context; validation windows start after the training part.
    assert [starts[0] for starts in data.splits["test"]["starts"]] == [8, 8]
    assert [len(starts) for starts in data.splits["validation"]["starts"]] == [1, 1]
    assert data.notes == [
        "split in time: the end of each series is held out, 10 % as validation split (at least one forecast)",
        unit_note(standardised=True),
    ]


def test_recurrent_presets_select_cell_type():
    for name in ("lstm", "gru", "rnn", "mingru", "minlstm"):
        given = resolve({"task": "forecasting", "dataset": "builtin:seasonal", "model": name})
        assert f'"cell_type": "{name}"' in given.model.config_overrides


def test_report_shows_simple_baselines():
    comparison = {
        "data": {"baselines": {"last_value": {"mse": 2.0, "mase": 1.5}, "linear": {"mse": 0.5}}},
        "primary_metric": "mse", "greater_is_better": False, "models": {}, "seeds": [0], "notes": [],
        "environment": {}, "recommendation": None,
    }  # fmt: skip
    comparison["data"] |= {"description": "sales.csv", "examples": {"test": 3}}
    assert "note: test mse of simple baselines: last value 2.000, linear 0.500" in to_markdown(comparison)
