"""One process at a time in a folder."""

import json
import os
import socket
from pathlib import Path

import pytest
from small import TINY

from hfseq import HfseqError, run_training
from hfseq.comparison import compare
from hfseq.training import lock as lock_module
from hfseq.training.lock import LOCK_NAME, lock_folder


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(lock_module, "_PATIENCE", 0.1)


def test_second_process_is_told_the_first_one(tmp_path):
    folder = tmp_path / "run"
    first = rf"output_dir .*run is in use by process {os.getpid()} on {socket.gethostname()}\. Wait until it has ended"
    with lock_folder(folder):
        with pytest.raises(HfseqError, match=first), lock_folder(folder):
            pass
        with pytest.raises(HfseqError, match=first):
            run_training({**TINY, "dataset": "nowhere.csv", "output_dir": str(folder)})
        with pytest.raises(HfseqError, match=first):
            compare(["lstm"], output_dir=folder, dataset="nowhere.csv")
        # One that has not said yet who it is.
        (folder / LOCK_NAME).write_text("")
        with pytest.raises(HfseqError, match="is in use by another process"), lock_folder(folder):
            pass
    with lock_folder(folder):
        pass


def test_lock_file_of_a_crash_does_not_block(tmp_path):
    (tmp_path / LOCK_NAME).write_text(json.dumps({"pid": 1, "host": socket.gethostname()}))
    with lock_folder(tmp_path):
        assert json.loads((tmp_path / LOCK_NAME).read_text())["pid"] == os.getpid()
    assert not list(tmp_path.iterdir())


def test_lock_leaves_no_files(tmp_path):
    with lock_folder(tmp_path / "a" / "b"):
        pass
    assert not list(tmp_path.iterdir())
    with pytest.raises(KeyError), lock_folder(tmp_path / "a" / "b"):
        (tmp_path / "a" / "model").write_text("")
        raise KeyError
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["model"]


def test_link_instead_of_the_lock_is_not_followed(tmp_path):
    other = tmp_path / "other"
    other.write_text("mine")
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / LOCK_NAME).symlink_to(other)
    with pytest.raises(HfseqError, match="cannot write to output_dir"), lock_folder(folder):
        pass
    assert other.read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("taken", "taken is a file; name a folder"),
        ("taken/below", "below lies below a file; name a folder"),
        ("n" * 256, "File name too long"),
        ("a\0b", "null byte"),
        ("/proc/run", "cannot write to output_dir /proc/run: No such file"),
    ],
)
def test_output_dir_that_cannot_be_made_is_rejected(name, message, tmp_path):
    if name.startswith("/proc") and not Path("/proc").is_dir():
        pytest.skip("no /proc")
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(HfseqError, match=message), lock_folder(tmp_path / name):
        pass
