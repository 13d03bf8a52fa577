"""The commonest tag of each word."""

from hfseq.tasks.token_classification.baselines import TagTable


def test_words_suffixes_and_the_commonest_tag():
    table = TagTable([
        (["the", "run", "ended"], ["DET", "NOUN", "VERB"]),
        (["the", "run", "was", "run"], ["DET", "VERB", "VERB", "VERB"]),
        (["the", "dogs", "barked"], ["DET", "NOUN", "VERB"]),
    ])  # fmt: skip
    assert [table(word) for word in ("the", "run", "dogs")] == ["DET", "VERB", "NOUN"]
    assert table("waited") == "VERB"  # -ed
    assert table("cats") == "NOUN"  # -s: once NOUN, once VERB; the first in the alphabet
    assert table("bogs") == "NOUN"  # -ogs
    assert table("xyz") == "VERB"  # the commonest of all


def test_frequent_words_tell_nothing_about_unknown_ones():
    table = TagTable([(["of"] * 11 + ["if"], ["ADP"] * 11 + ["SCONJ"])])
    assert table("of") == "ADP" and table("xf") == "SCONJ" and table("so") == "ADP"
