"""Series that cannot be forecast are rejected before the training, with the place of the error."""

import json

import pytest

from hfseq.commands import main
from hfseq.training.trainer import SequenceTrainer

SIZES = ["--context_length", "8", "--prediction_length", "4"]


@pytest.fixture(autouse=True)
def nothing_is_trained(monkeypatch):
    monkeypatch.setattr(SequenceTrainer, "train", lambda *args, **kwargs: pytest.fail("a training has started"))


def steps(count, value=lambda step: step % 5):
    return "".join(f"{step},{value(step)}\n" for step in range(count))


FILES = {
    "short.csv": "step,v\n" + steps(15),
    "constant.csv": "step,v\n" + steps(60, lambda step: 7),
    "text.csv": "step,v\n" + steps(30) + "30,many\n",
    "twice.csv": "date,v\n" + "".join(f"2024-01-{day:02d},{day}\n" for day in (1, 2, 2, 3)),
    "empty.jsonl": json.dumps({"series": [[1.0]] * 40}) + "\n" + json.dumps({"series": []}) + "\n",
    "missing.csv": "step,v,w\n" + "".join(f"{step},{step % 3},\n" for step in range(40)),
    "latin.csv": b"step,v\n1,2\n2,\xe9\n",
    "inf.csv": "step,v\n" + steps(30) + "30,inf\n",
    "huge.csv": "step,v\n" + steps(30) + "30,1e200\n",
    "huge.ts": "@problemName x\n@classLabel false\n@data\n1,2,-1e200\n",
    "panel.csv": "date,shop,v\n" + "".join(f"2024-01-{1 + i // 3:02d},{'abc'[i % 3]},{i}\n" for i in range(60)),
    "slashes.csv": "date,v\n1/2/2022,5\n2/2/2022,6\n3/2/2022,7\n",
    "stamps.csv": "timestamp,v\n" + "".join(f"{step % 7},{step}\n" for step in range(40)),
    "good.csv": "step,v\n" + steps(60),
    "broken.ts": "@problemName x\n@classLabel false\n@data\n1,2,x\n",
}
CASES = [
    (
        ["short.csv"],
        [
            "series 0 ('the series') has 15 steps. Validation and test need 8 steps, so 7 are left to train on",
            "(8 + 4)",
        ],
    ),
    (
        ["good.csv", "--prediction_length", "70"],
        ["Validation and test need 140 steps, so 0 are left", "(8 + 70)"],
    ),
    (["constant.csv"], ["all series are constant in the training part (7), so there is nothing to learn"]),
    (["text.csv"], ["column 'v' holds string and not numbers, such as 'many' in row 30"]),
    (["inf.csv"], ["column 'v', row 30: the value is infinite"]),
    (["huge.csv"], ["column 'v', row 30: the value 1e+200 is too large for a model, whose numbers have 32 bits"]),
    (["huge.ts"], ["line 4, channel 1, value 3: the value -1e+200 is too large for a model"]),
    (["panel.csv"], ["the time '2024-01-01' of 'the table' is already in row 0", "--id_column shop"]),
    (["slashes.csv"], ["'1/2/2022', which can be read as %d/%m/%Y or as %m/%d/%Y", "--time_format"]),
    (["stamps.csv"], ["column 'timestamp' has a name of times", "--time_column timestamp", "--ignore_columns"]),
    (
        ["good.csv", "--time_column", "step", "--time_format", "%d.%m.%Y"],
        ["row 0: '0' is not in the format %d.%m.%Y"],
    ),
    (["good.csv", "--time_column", "step,day"], ["there is no column 'day'"]),
    (["twice.csv"], ["row 2: the time '2024-01-02' of 'the table' is already in row 1"]),
    (["empty.jsonl"], ["row 1: the series has no steps"]),
    (["missing.csv"], ["every value of the channel 'w' is missing. Leave it out"]),
    (["latin.csv"], ["latin.csv is not UTF-8"]),
    (["broken.ts"], ["broken.ts, line 4", "'x', not a number"]),
    (["good.csv", "--time_splits", "50,20,20"], ["has 60 steps, but time_splits 50,20,20 need 90"]),
    (["good.csv", "--input_column", "u"], ["there is no column 'u'"]),
    (["good.csv", "--target_column", "v"], ["forecasting has no target_column ('v')", "with --input_column a,b"]),
    (["good.csv", "--label_column", "v"], ["forecasting has no label_column ('v')", "with --input_column a,b"]),
    (
        ["good.csv", "--modality", "text"],
        ["forecasting reads series, not text: leave --modality out", "--input_column"],
    ),
    (["good.csv", "--forecast_loss", "mes"], ["forecast_loss 'mes' is not known: did you mean 'mse'?"]),
    (["good.csv", "--normalization", "sequence"], ["normalization 'sequence' cannot be used for forecasting"]),
    (["good.csv", "--quantiles", "0.1,0.9", "--model", "transformer"], ["'patchtst' cannot forecast quantiles"]),
    (
        ["good.csv", "--quantiles", "0.1,0.9", "--metric_for_best_model", "mse"],
        ["'mse' is not a metric of forecasting"],
    ),
]


@pytest.mark.parametrize(("words", "parts"), CASES, ids=[" ".join(words) for words, _ in CASES])
def test_train_rejects_series_that_cannot_be_forecast(tmp_path, monkeypatch, capsys, words, parts):
    monkeypatch.chdir(tmp_path)
    name, *flags = words
    content = FILES[name]
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    command = ["train", "--task", "forecasting", "--dataset", name, *SIZES, *flags, "--output_dir", "out"]
    assert main([*command, "--cache_dir", "cache", "--use_cpu"]) == 2
    captured = capsys.readouterr()
    for part in parts:
        assert part in captured.err
    assert "Traceback" not in captured.err and captured.out == ""
    assert not (tmp_path / "out").exists()
