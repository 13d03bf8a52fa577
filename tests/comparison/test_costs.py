import contextlib
from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset, are_progress_bars_disabled

from hfseq.comparison.costs import measurement
from hfseq.comparison.costs.examples import choose_examples, length_bins
from hfseq.comparison.costs.intervals import is_steady, quantile_interval
from hfseq.comparison.costs.measurement import Limits, Measurement, Target, measure
from hfseq.comparison.costs.price import prices
from hfseq.comparison.costs.process import MeasuringProcess, measuring_server
from hfseq.comparison.costs.saved import conditions, costs_file, load_costs, save_costs
from hfseq.data.labels.columns import Columns
from hfseq.errors import HfseqError

EXAMPLES = choose_examples(Dataset.from_dict({"text": [str(row) for row in range(40)]}), Columns("text"))


def test_interval_of_the_median_by_order_statistics():
    # Of six values, all lie on one side of the median with probability 2 / 2^6 = 3.1 %.
    assert quantile_interval([3, 1, 2, 6, 5, 4], 0.5) == [1, 6]
    assert quantile_interval([3, 1, 2, 5, 4], 0.5) is None
    assert quantile_interval([], 0.5) is None
    # Conover, Practical Nonparametric Statistics: of 16 values, the 4th and the 13th.
    assert quantile_interval(range(1, 17), 0.5) == [4, 13]


@pytest.mark.parametrize(("count", "share"), [(9, 0.5), (30, 0.5), (200, 0.95)])
def test_interval_covers_the_quantile(count, share):
    draws = np.random.default_rng(0).exponential(size=(4000, count))
    true = -np.log(1 - share)
    intervals = [quantile_interval(row, share) for row in draws]
    assert np.mean([low <= true <= high for low, high in intervals]) > 0.945


def test_the_tail_has_an_interval_only_with_enough_measurements():
    assert quantile_interval(range(300), 0.99) is None
    assert quantile_interval(range(400), 0.99) is not None


def test_steady_measurements():
    steady = [1.0, 1.01, 0.99, 1.02, 0.98, 1.0]
    assert is_steady(steady, 0.05)
    assert not is_steady(steady[:5], 0.05)
    assert not is_steady([*steady[:5], 1.2], 0.05)
    assert is_steady([*steady, *steady, 1.2], 0.05)  # one disturbed round among many does not count


def test_bins_of_lengths():
    lengths = [5] * 10 + [9] * 10 + [20] * 10 + [30] * 10
    bins = length_bins(lengths)
    assert sorted(row for rows in bins for row in rows) == list(range(40))
    assert [sorted({lengths[row] for row in rows}) for rows in bins] == [[5], [9], [20], [30]]
    assert length_bins([7] * 40) == [] and length_bins([1, 2, 3]) == [] and length_bins([]) == []


def test_the_same_examples_are_drawn_each_time():
    rows = Dataset.from_dict({"text": [str(row) for row in range(1000)]})
    first, second = (choose_examples(rows, Columns("text")).rows["text"][:] for _ in range(2))
    assert first == second and len(set(first)) == 100
    assert 300 < np.mean([int(text) for text in first[:20]]) < 700  # not the first ones


def test_examples_are_drawn_without_a_progress_bar(capfd):
    choose_examples(Dataset.from_dict({"text": ["a", "b"]}), Columns("text"))
    assert "Flattening" not in capfd.readouterr().err and not are_progress_bars_disabled()


def test_prices():
    costs = {"train_seconds": 1800.0, "throughput_examples_per_second": 1000.0}
    assert prices(costs, 2.0) == pytest.approx({"price": 1.0, "price_per_million_predictions": 2000 / 3600})
    assert prices({}, 2.0) == {}


class Scripted:
    """A measuring process whose latencies are given: seconds per example, by round."""

    made: list["Scripted"]
    log: list[tuple[str, str]]
    scripts: dict[str, list[float]]

    def __init__(self, server):
        self.made.append(self)
        self.closed = False
        self.rounds = 0

    def send(self, method, **arguments):
        self.name = Path(arguments["folder"]).name

    def receive(self):
        return {"threads": 1}

    def ask(self, method, **arguments):
        self.log.append((method, self.name))
        script = self.scripts[self.name]
        if method == "latencies":
            seconds = script[min(self.rounds, len(script) - 1)]
            self.rounds += 1
            if isinstance(seconds, BaseException):
                raise seconds
            return [seconds] * arguments["count"]
        answers = {
            "warm_up": 0.02 if isinstance(script[0], BaseException) else script[0],
            "peak_memory": 10**8,
            "lengths": [],
            "throughput": {"batch_size": 2, "rates": [10.0] * 6, "by_batch_size": {"1": 8.0, "2": 10.0}},
            "flops": {"flops_per_token_forward": 5.0, "flops_per_token_training": 15.0},
        }
        return answers[method]

    def close(self):
        self.closed = True


@pytest.fixture
def scripted(monkeypatch):
    def start(**scripts):
        Scripted.made, Scripted.log, Scripted.scripts = [], [], scripts
        monkeypatch.setattr(measurement, "MeasuringProcess", Scripted)
        limits = Limits(one_round=0.2, latency=4.0, min_examples=5)
        return measure([Target(name, Path(name)) for name in scripts], EXAMPLES, limits)

    return start


def test_models_take_turns_until_each_is_steady(scripted):
    found = scripted(a=[0.01], b=[0.01, 0.02, 0.01, 0.01, 0.02, 0.01, 0.01, 0.02, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01])
    order = [name for method, name in Scripted.log if method == "latencies"]
    assert order[:12] == ["a", "b"] * 6 and set(order[12:]) == {"b"}
    rounds = found["b"].details["round_medians_ms"]
    assert is_steady(rounds, 0.05) and not is_steady(rounds[:-1], 0.05)
    assert found["a"].costs["latency_p50_ms"] == pytest.approx(10)
    assert found["a"].intervals["latency_p50_ms"] == pytest.approx([10, 10])
    assert found["a"].details["examples"] == found["b"].details["examples"] == 20
    assert found["a"].costs["throughput_examples_per_second"] == 10 and found["a"].costs["throughput_batch_size"] == 2
    last = max(place for place, (method, _) in enumerate(Scripted.log) if method == "latencies")
    assert all(method in ("warm_up", "latencies") for method, _ in Scripted.log[:last])


def test_a_slow_model_gets_few_rounds_and_no_interval(scripted):
    found = scripted(a=[2.0])
    assert len(found["a"].details["round_medians_ms"]) == 2 and found["a"].details["examples"] == 5
    assert found["a"].costs["latency_p50_ms"] == 2000 and "latency_p50_ms" not in found["a"].intervals


def test_a_failed_measurement_does_not_stop_the_others(scripted):
    found = scripted(a=[HfseqError("the model returns NaN")], b=[0.01])
    assert found["a"].failures == ["the latency could not be measured: the model returns NaN"]
    assert "latency_p50_ms" in found["b"].costs and not found["b"].failures


def test_an_interruption_ends_the_processes(scripted):
    with contextlib.suppress(KeyboardInterrupt):
        scripted(a=[0.01], b=[KeyboardInterrupt()])
        pytest.fail("not interrupted")
    assert [process.closed for process in Scripted.made] == [True, True]


def test_large_models_are_measured_in_groups():
    targets = [Target(name, Path(name), size=10**9) for name in "abc"]
    assert [len(group) for group in measurement._groups(targets, memory=8e9)] == [2, 1]
    assert [len(group) for group in measurement._groups(targets, memory=1)] == [1, 1, 1]


def test_saved_costs_hold_under_the_same_conditions(tmp_path):
    folder = tmp_path / "lstm" / "seed-0"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"weights")
    here = {"processor": "some processor"}
    known = conditions(folder, "f", here)
    measured = Measurement({"latency_p50_ms": 2.0}, {"latency_p50_ms": [1.9, 2.1]}, {"threads": 1})
    file = costs_file(folder)
    save_costs(file, measured, known)
    assert file == tmp_path / "lstm" / "_costs.json" and load_costs(file, known) == measured
    assert load_costs(file, conditions(folder, "other data", here)) is None
    assert load_costs(file, conditions(folder, "f", {"processor": "another"})) is None
    (folder / "model.safetensors").write_bytes(b"other weights")
    assert load_costs(file, conditions(folder, "f", here)) is None
    file.write_text("[]")
    assert load_costs(file, known) is None
    save_costs(file, Measurement(failures=["the latency could not be measured: it crashed"]), known)
    assert load_costs(file, known) is None


def test_a_process_that_cannot_start_says_why(monkeypatch):
    monkeypatch.setattr("sys.executable", "/bin/false")
    process = MeasuringProcess(measuring_server())
    try:
        with pytest.raises(HfseqError, match="the measuring process exited with code 1: no message"):
            process.ask("peak_memory")
    finally:
        process.close()
