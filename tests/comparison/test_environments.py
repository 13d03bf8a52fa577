from hfseq.comparison.collect import collect
from hfseq.comparison.environments import environment_notes


def test_environment_notes_are_empty_for_equal_environments(make_result):
    assert environment_notes([make_result("lstm"), make_result("gru")]) == []


def test_environment_notes_list_each_difference_and_its_runs(make_result):
    results = [
        make_result("lstm", 0),
        make_result("lstm", 1),
        make_result("gru", machine={"num_threads": 8, "recurrence": "plain torch", "versions": {"torch": "2.13.0"}}),
        make_result("rnn", machine={"versions": {"torch": "2.14.0"}}),
    ]
    assert collect(results)["notes"] == [
        "the runs used different numbers of threads (1: lstm, rnn; 8: gru): their costs are not comparable",
        "the runs used different recurrent engines (compiled kernel: lstm, rnn; plain torch: gru): their costs are "
        "not comparable",
        "the runs used different versions of torch (2.13.0: gru; 2.14.0: rnn): their costs are not comparable",
    ]


def test_environment_notes_ignore_failed_runs(make_result):
    failed = make_result("gru", error="broken", machine={"processor": "another processor"})
    assert environment_notes([make_result("lstm"), failed]) == []
