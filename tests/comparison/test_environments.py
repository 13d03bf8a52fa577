import dataclasses

from hfseq.comparison.collect import collect
from hfseq.comparison.environments import environment_differences


def test_equal_environments_have_no_differences(make_result):
    assert environment_differences([make_result("lstm"), make_result("gru")]) == []


def test_environment_differences_list_each_property_and_its_runs(make_result):
    results = [
        make_result("lstm", 0),
        make_result("lstm", 1),
        make_result("gru", machine={"num_threads": 8, "recurrence": "plain torch", "versions": {"torch": "2.13.0"}}),
        make_result("rnn", machine={"versions": {"torch": "2.14.0"}}),
    ]
    assert environment_differences(results) == [
        ("numbers of threads", "1: lstm, rnn; 8: gru", ["lstm", "rnn", "gru"]),
        ("recurrent engines", "compiled kernel: lstm, rnn; plain torch: gru", ["lstm", "rnn", "gru"]),
        ("versions of torch", "2.13.0: gru; 2.14.0: rnn", ["gru", "rnn"]),
    ]
    comparison = collect(results)
    assert [check["code"] for check in comparison["checks"]].count("HFS012") == 3 and comparison["notes"] == []


def test_environment_differences_ignore_failed_runs_and_baselines(make_result):
    failed = make_result("gru", error="broken", machine={"processor": "another processor"})
    baseline = dataclasses.replace(make_result("majority", machine={"device": "cuda"}), is_baseline=True)
    assert environment_differences([make_result("lstm"), failed, baseline]) == []
