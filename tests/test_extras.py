"""Error messages for missing optional dependencies."""

import sys

import pytest

from hfseq.errors import HfseqError
from hfseq.extras import require


def test_require_imports_an_installed_module():
    assert require("json.decoder", "anything") is sys.modules["json.decoder"]


def test_require_names_the_extra_of_a_missing_module(monkeypatch):
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(HfseqError, match=r'^soundfile is needed for reading audio: pip install "hfseq\[audio\]"$'):
        require("soundfile", "audio")
    monkeypatch.setitem(sys.modules, "Bio.SeqIO", None)  # another test may have imported it
    with pytest.raises(HfseqError, match=r"^biopython is needed for reading FASTA: pip install"):
        require("Bio.SeqIO", "dna")


def test_require_does_not_hide_a_missing_dependency_of_a_module(tmp_path, monkeypatch):
    (tmp_path / "halfmade.py").write_text("import nothing_of_that_name\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="nothing_of_that_name"):
        require("halfmade", "audio")
