from hfseq.comparison.collect import collect
from hfseq.comparison.environments import environment_notes


def test_same_environment_needs_no_note(make_result):
    assert environment_notes([make_result("lstm"), make_result("gru")]) == []


def test_each_difference_is_noted_with_the_runs_that_have_it(make_result):
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


def test_failed_runs_are_not_compared(make_result):
    failed = make_result("gru", error="no luck", machine={"processor": "another processor"})
    assert environment_notes([make_result("lstm"), failed]) == []
