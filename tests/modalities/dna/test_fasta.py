import gzip
import importlib

import pytest

from hfseq.errors import HfseqError
from hfseq.modalities.dna.fasta import check_dna, is_fasta, read_fasta

pytest.importorskip("Bio.SeqIO")


@pytest.fixture
def write(tmp_path):
    def write(text, name="dna.fasta"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return path

    return write


@pytest.mark.parametrize("name", ["dna.fasta", "dna.fa.gz"])
def test_read_fasta_reads_records(write, name):
    dataset = read_fasta(write(">one first of two\nACGT\nnnry\n\n>two\nacgu\n", name))
    assert dataset.column_names == ["id", "sequence", "description"]
    assert dataset[:] == {
        "id": ["one", "two"], "sequence": ["ACGTnnry", "acgu"], "description": ["first of two", ""]
    }  # fmt: skip


@pytest.mark.parametrize(
    ("headers", "labels"),
    [
        (("a label=promoter", "b of E. coli label=none"), ["promoter", "none"]),
        (("a|promoter", "b|none"), ["promoter", "none"]),
        (('a LABEL="two words"', "b|none"), ["two words", "none"]),
        # Accession numbers and parts of words are not labels.
        (("gb|M73307.1", "gi|129295|sp|P01013"), None),
        (("a sublabel=x", "b"), None),
    ],
)
def test_read_fasta_reads_labels_in_headers(write, headers, labels):
    dataset = read_fasta(write("".join(f">{header}\nACGT\n" for header in headers)))
    assert (dataset["label"][:] if "label" in dataset.column_names else None) == labels


def test_read_fasta_reads_a_folder_with_one_file_per_class(write, tmp_path):
    write(">a label=other\nAC\n>b\nGT\n", "set/promoter.fasta")
    write(">a\nTT\n", "set/background.fna.gz")
    write("notes", "set/README.txt")
    dataset = read_fasta(tmp_path / "set")
    assert dataset["label"][:] == ["background", "promoter", "promoter"]
    assert dataset["sequence"][:] == ["TT", "AC", "GT"]
    write(">a\nTT\n", "set/promoter.fa")
    with pytest.raises(HfseqError, match=r"two files for class 'promoter': promoter.fa and promoter.fasta"):
        read_fasta(tmp_path / "set")
    (tmp_path / "none").mkdir()
    with pytest.raises(HfseqError, match="none has no FASTA file"):
        read_fasta(tmp_path / "none")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            ">a\nACGT\n>b\nAC\nGE\n",
            r"dna.fasta, record 2 \(b\): 'E' at position 4 is not a nucleotide: expected ACGTU",
        ),
        (">a\nAC-GT\n", "'-' at position 3"),
        (">a\n\n>b\nAC\n", r"record 1 \(a\): the sequence is empty"),
        (">\nAC\n", "record 1: the header has no name"),
        ("ACGT\n>a\nACGT\n", "is not a FASTA file: .* Expected '>name' before the first sequence"),
        (">a|x\nAC\n>b\nAC\n", r"record 2 \(b\): the header has no label, but 1 other headers have one"),
        ("", "is empty"),
    ],
)
def test_read_fasta_errors_name_the_record(write, text, message):
    with pytest.raises(HfseqError, match=message):
        read_fasta(write(text))


def test_check_dna_names_the_row_and_position():
    check_dna(["ACGU", "ac gt\nRYSWKMBDHVN"], "train")
    with pytest.raises(HfseqError, match=r"train of x.csv, row 1: 'Q' at position 5 is not a nucleotide"):
        check_dna(["ACGT", "AC GTQ"], "train of x.csv")
    with pytest.raises(HfseqError, match="row 0: expected a sequence of letters, got None"):
        check_dna([None], "train")
    with pytest.raises(HfseqError, match="row 0: the sequence is empty"):
        check_dna([" "], "train")


def test_is_fasta_recognizes_extensions(tmp_path):
    assert [is_fasta(tmp_path / name) for name in ("a.FA", "b.fna.gz", "c.txt", "fasta")] == [True, True, False, False]


def test_missing_biopython_is_an_error_with_a_hint(write, monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    path = write(">a\nAC\n")
    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(HfseqError, match=r'biopython is needed for reading FASTA: pip install "hfseq\[dna\]"'):
        read_fasta(path)
