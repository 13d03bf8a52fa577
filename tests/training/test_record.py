import dataclasses
import errno
import json
import os
import subprocess

import pytest

from hfseq.errors import HfseqError
from hfseq.training import record as record_module
from hfseq.training.record import FORMAT_VERSION, RECORD_NAME, RunRecord, git_hash, package_versions
from hfseq.writing import write_json


def make_record(**values):
    given = {"name": "lstm", "task": "sequence_classification", "seed": 3, "config": {}, "config_fingerprint": "abc"}
    return RunRecord(**{**given, **values})


def test_record_survives_a_round_trip(tmp_path):
    record = make_record(
        status="finished",
        metrics={"test": {"accuracy": 0.1 + 0.2}},
        config={"dataset": "Käse.csv"},
        costs={"tokens_per_second": None},
        error="ä\n",
    )
    path = record.save(tmp_path / "new" / "folder")
    assert path == tmp_path / "new" / "folder" / RECORD_NAME
    assert RunRecord.load(path.parent) == record
    values = json.loads(path.read_text(encoding="utf-8"))
    assert values == dataclasses.asdict(record)
    assert values["format_version"] == FORMAT_VERSION
    assert "Käse" in path.read_text(encoding="utf-8")


def test_folder_without_record_gives_none(tmp_path):
    assert RunRecord.load(tmp_path) is None
    assert RunRecord.load(tmp_path / "nowhere") is None


def test_saving_again_replaces_the_record_and_leaves_no_files(tmp_path):
    make_record(status="running").save(tmp_path)
    make_record(status="finished").save(tmp_path)
    assert RunRecord.load(tmp_path).status == "finished"
    assert os.listdir(tmp_path) == [RECORD_NAME]


@pytest.mark.parametrize(
    ("umask", "mode"),
    [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)],
)
def test_file_is_as_readable_as_any_other(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        path = make_record().save(tmp_path)
        assert path.stat().st_mode & 0o777 == mode
        assert os.umask(umask) == umask
    finally:
        os.umask(before)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"format_version": 1, "name": "x"}', '{"format_version": "1"}']
)
def test_damaged_record_is_an_error(tmp_path, content):
    (tmp_path / RECORD_NAME).write_text(content)
    with pytest.raises(HfseqError, match=r"run\.json is not a run record \(.+\); move it away to start again"):
        RunRecord.load(tmp_path)


def test_record_with_an_unknown_field(tmp_path):
    values = {**dataclasses.asdict(make_record()), "mood": "good"}
    (tmp_path / RECORD_NAME).write_text(json.dumps(values))
    with pytest.raises(HfseqError, match=r"run\.json is not a run record \(.*'mood'"):
        RunRecord.load(tmp_path)


def test_record_that_is_not_utf8(tmp_path):
    (tmp_path / RECORD_NAME).write_bytes(b'{"name": "\xff"}')
    with pytest.raises(HfseqError, match="is not a run record"):
        RunRecord.load(tmp_path)


def test_record_of_a_newer_version(tmp_path):
    values = {**dataclasses.asdict(make_record()), "format_version": FORMAT_VERSION + 1, "mood": "good"}
    (tmp_path / RECORD_NAME).write_text(json.dumps(values))
    with pytest.raises(HfseqError, match=rf"run\.json has format {FORMAT_VERSION + 1}.* reads up to {FORMAT_VERSION}"):
        RunRecord.load(tmp_path)


def test_earlier_record_survives_a_full_disk(tmp_path, monkeypatch):
    make_record(status="running").save(tmp_path)

    def no_room(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", no_room)
    with pytest.raises(HfseqError) as error:
        make_record(status="finished").save(tmp_path)
    assert str(error.value) == (
        f"cannot write {tmp_path / RECORD_NAME}: No space left on device; the existing file is unchanged. Free some "
        "disk space or choose another --output_dir, then run the same command again: finished work is not repeated"
    )
    assert RunRecord.load(tmp_path).status == "running"
    assert os.listdir(tmp_path) == [RECORD_NAME]


def test_full_disk_without_an_earlier_record(tmp_path, monkeypatch):
    def no_room(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", no_room)
    with pytest.raises(HfseqError) as error:
        make_record().save(tmp_path)
    assert "unchanged" not in str(error.value)
    assert os.listdir(tmp_path) == []


def test_output_dir_that_is_a_file_is_rejected(tmp_path):
    (tmp_path / "taken").write_text("x")
    with pytest.raises(HfseqError, match=r"cannot write .*taken.run\.json: "):
        make_record().save(tmp_path / "taken")


def test_json_has_no_nan(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"value": float("nan")})
    assert os.listdir(tmp_path) == []


def test_versions_are_those_installed():
    versions = package_versions()
    assert {"hfseq", "torch", "transformers", "numpy"} <= versions.keys()
    assert all(isinstance(version, str) and version for version in versions.values())


def test_git_hash_is_that_of_the_running_code(tmp_path, monkeypatch):
    def git(*words, cwd):
        done = subprocess.run(["git", *words], cwd=cwd, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    git("init", "-q", cwd=tmp_path)
    installed = tmp_path / "venv" / "hfseq"
    installed.mkdir(parents=True)
    (installed / "__init__.py").write_text("")
    # Started elsewhere, and installed in an environment that lies in somebody else's repository.
    monkeypatch.setattr(record_module, "_CODE", installed)
    git("-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-q", "--allow-empty", "-m", "theirs", cwd=tmp_path)
    assert git_hash() is None
    git("add", "-f", ".", cwd=tmp_path)
    git("-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-q", "-m", "the package", cwd=tmp_path)
    commit = git("rev-parse", "HEAD", cwd=tmp_path)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))  # as a hook of git sets it
    monkeypatch.chdir("/")
    assert git_hash() == commit
    (installed / "__init__.py").write_text("changed = True\n")
    assert git_hash().endswith("+")
