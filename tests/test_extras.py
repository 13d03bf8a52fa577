"""What is said where an optional dependency is missing."""

import sys

import pytest

from hfseq.errors import HfseqError
from hfseq.extras import require


def test_an_installed_module_is_imported():
    assert require("json.decoder", "anything") is sys.modules["json.decoder"]


def test_a_missing_one_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(HfseqError, match=r'^soundfile is needed for reading audio: pip install "hfseq\[audio\]"$'):
        require("soundfile", "audio")
    monkeypatch.setitem(sys.modules, "Bio.SeqIO", None)  # another test may have imported it
    with pytest.raises(HfseqError, match=r"^biopython is needed for reading FASTA: pip install"):
        require("Bio.SeqIO", "dna")


def test_what_an_installed_module_lacks_is_another_error(tmp_path, monkeypatch):
    (tmp_path / "halfmade.py").write_text("import nothing_of_that_name\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="nothing_of_that_name"):
        require("halfmade", "audio")
