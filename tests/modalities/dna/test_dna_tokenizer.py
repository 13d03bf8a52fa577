import numpy as np
import pytest

from hfseq.modalities.dna.tokenization_dna import DNATokenizer, randomly_reverse_complement, reverse_complement


def test_tokenizer_ignores_case_and_reads_rna():
    tokenizer = DNATokenizer()
    assert tokenizer.pad_token_id == 0
    assert tokenizer.convert_ids_to_tokens(range(5)) == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    assert len(tokenizer) == tokenizer.vocab_size == 5 + 15
    assert tokenizer.tokenize("acgu NrX\n") == ["A", "C", "G", "T", "N", "R", "[UNK]"]
    assert tokenizer("ACGT")["input_ids"] == tokenizer("ac gu")["input_ids"] == [5, 6, 7, 8]
    assert set(tokenizer("ACGT")) == {"input_ids", "attention_mask"}
    assert tokenizer.decode(tokenizer("ACNGT")["input_ids"]) == "ACNGT"


def test_tokenizer_splits_into_kmers():
    overlapping, apart = DNATokenizer(k=3), DNATokenizer(k=3, stride=3)
    assert len(overlapping) == 5 + 4**3 and max(overlapping.get_vocab().values()) == len(overlapping) - 1
    assert overlapping.tokenize("ACGTA") == ["ACG", "CGT", "GTA"]
    # The two letters at the end do not fill a k-mer.
    assert apart.tokenize("ACGTACGG") == ["ACG", "TAC"]
    assert overlapping.tokenize("ACNTAC") == ["[UNK]"] * 3 + ["TAC"]
    assert overlapping.tokenize("AC") == ["[UNK]"] and overlapping.tokenize("") == []
    for tokenizer in (overlapping, apart, DNATokenizer(k=3, stride=2)):
        assert tokenizer.decode(tokenizer("ACGTACGGT")["input_ids"]) == "ACGTACGGT"
    assert apart.decode(apart("ACGNAC")["input_ids"]) == "ACGNNN"
    assert len(DNATokenizer(k=8)) == 5 + 4**8


def test_tokenizer_pads_batches_and_adds_cls_and_sep():
    tokenizer = DNATokenizer(add_cls_sep=True, model_max_length=4)
    batch = tokenizer(["ACGTACGT", "A"], padding=True, truncation=True, return_tensors="np")
    assert batch["input_ids"].tolist() == [[2, 5, 6, 3], [2, 5, 3, 0]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1], [1, 1, 1, 0]]
    assert tokenizer.decode(batch["input_ids"][1], skip_special_tokens=True) == "A"
    assert tokenizer("A", return_special_tokens_mask=True)["special_tokens_mask"] == [1, 0, 1]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"k": 0}, "k must be 1 to 8, got 0"),
        ({"k": 9}, "k must be 1 to 8, got 9"),
        ({"k": 3, "stride": 4}, r"stride must be 1 to k \(3\), got 4"),
    ],
)
def test_tokenizer_rejects_invalid_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        DNATokenizer(**settings)


def test_reverse_complement_of_dna_and_rna():
    assert reverse_complement("NCGTT") == "AACGN"
    assert reverse_complement("acRYSWKMBDHVn") == "nBDHVKMWSRYgt"
    assert reverse_complement("AUGC") == "GCAU"
    biology = pytest.importorskip("Bio.Seq")
    letters = "ACGTRYSWKMBDHVN"
    assert reverse_complement(letters) == str(biology.Seq(letters).reverse_complement())
    assert reverse_complement(reverse_complement(letters)) == letters


def test_randomly_reverse_complement_follows_the_probability():
    batch = ["AAAC"] * 400
    drawn = [randomly_reverse_complement(batch, np.random.default_rng(seed)) for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert set(drawn[0]) == {"AAAC", "GTTT"} and 150 < drawn[0].count("GTTT") < 250
    generator = np.random.default_rng(0)
    assert randomly_reverse_complement(batch, generator, 0.0) == batch
    assert randomly_reverse_complement(batch, generator, 1.0) == ["GTTT"] * 400
    with pytest.raises(ValueError, match="probability must be between 0 and 1, got 2"):
        randomly_reverse_complement(batch, generator, 2.0)
