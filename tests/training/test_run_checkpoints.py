"""Which checkpoints are whole, which are this run's, and which are kept."""

import json

import pytest

from hfseq import HfseqError, RunRecord
from hfseq.training.manifest import MANIFEST_NAME, Manifest, describe_files
from hfseq.training.run_checkpoints import CheckpointKeeper, find_checkpoints
from hfseq.training.run_folder import continuation_notes

FILES = ("model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json")


def make_checkpoint(keeper, step, best=None, seal=True):
    path = keeper.folder / f"checkpoint-{step}"
    keeper.begin(path)
    path.mkdir()
    for name in FILES:
        (path / name).write_text(f"{name} of step {step}")
    state = {"best_model_checkpoint": None if best is None else f"/moved/since/checkpoint-{best}"}
    (path / "trainer_state.json").write_text(json.dumps(state))
    if seal:
        keeper.seal(path)
    return path


@pytest.fixture
def keeper(tmp_path):
    return CheckpointKeeper(tmp_path, "mine", limit=0)


def remove(path):
    path.unlink()


def truncate(path):
    path.write_bytes(path.read_bytes()[:-3])


def change(path):
    content = path.read_bytes()
    path.write_bytes(bytes([content[0] ^ 1]) + content[1:])


@pytest.mark.parametrize("damage", [remove, truncate, change])
@pytest.mark.parametrize("name", [*FILES, MANIFEST_NAME])
def test_damaged_checkpoint_is_discarded(keeper, name, damage, caplog):
    older, newer = make_checkpoint(keeper, 2), make_checkpoint(keeper, 10)
    assert keeper.newest_whole() == (newer, {})
    damage(newer / name)
    whole, damaged = keeper.newest_whole()
    assert whole == older and list(damaged) == [newer]
    keeper.discard(damaged)
    assert f"{newer} is discarded: {damaged[newer]}" in caplog.text
    assert not newer.exists() and Manifest.load(keeper.folder).checkpoints == ["checkpoint-2"]
    damage(older / name)
    assert keeper.newest_whole()[0] is None


def test_errors_describe_the_problem(keeper):
    path = make_checkpoint(keeper, 2)
    (path / "optimizer.pt").write_text("short")
    assert keeper.newest_whole()[1] == {path: "optimizer.pt has 5 bytes in place of 22"}
    (path / "optimizer.pt").unlink()
    assert keeper.newest_whole()[1] == {path: "optimizer.pt is missing"}
    unsealed = make_checkpoint(keeper, 4, seal=False)
    assert keeper.newest_whole()[1][unsealed] == "it was not written to its end"


def test_checkpoint_without_its_best_one_is_not_used(keeper):
    first, best = make_checkpoint(keeper, 2), make_checkpoint(keeper, 4)
    newest = make_checkpoint(keeper, 6, best=4)
    assert keeper.newest_whole() == (newest, {})
    (best / "model.safetensors").unlink()
    whole, damaged = keeper.newest_whole()
    assert whole == first
    assert damaged[newest] == "the best checkpoint before it, checkpoint-4, is damaged: model.safetensors is missing"


def test_checkpoints_of_other_runs_are_neither_used_nor_deleted(keeper, tmp_path):
    make_checkpoint(keeper, 2)
    for name in ("checkpoint-3", "checkpoint-mine", "checkpoint-4"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "notes.txt").write_text("mine")
    make_checkpoint(CheckpointKeeper(tmp_path / "elsewhere", "another", None), 5).rename(tmp_path / "checkpoint-5")
    (tmp_path / "checkpoint-6").symlink_to(tmp_path / "checkpoint-2")
    keeper.rotate(None, finished=True)
    names = sorted(path.name for path in tmp_path.glob("checkpoint-*"))
    assert names == [f"checkpoint-{step}" for step in ("3", "4", "5", "6", "mine")]
    for step in (3, 5, 6):
        with pytest.raises(HfseqError, match=f"checkpoint-{step} was not made by this run"):
            keeper.begin(tmp_path / f"checkpoint-{step}")
    with pytest.raises(HfseqError, match="was not made by this run"):
        keeper.check_room(last_step=5)
    keeper.check_room(last_step=2)


@pytest.mark.parametrize(
    ("limit", "running", "finished"),
    [
        (None, [2, 4, 6, 8], [2, 4, 6, 8]),
        (0, [4, 8], []),
        (1, [4, 8], [4]),
        (2, [4, 8], [4, 8]),
        (3, [4, 6, 8], [4, 6, 8]),
    ],
)
def test_number_of_kept_checkpoints_is_that_of_the_setting(limit, running, finished, tmp_path):
    keeper = CheckpointKeeper(tmp_path, "mine", limit)
    for step in (2, 4, 6, 8):
        make_checkpoint(keeper, step)
    for end, steps in ((False, running), (True, finished)):
        keeper.rotate("elsewhere/checkpoint-4", finished=end)
        assert [path.name for path in keeper.own()] == [f"checkpoint-{step}" for step in steps]


def test_checkpoints_are_known_without_the_manifest_of_the_run(keeper):
    path = make_checkpoint(keeper, 2)
    (keeper.folder / MANIFEST_NAME).unlink()
    assert keeper.newest_whole() == (path, {})


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "a/../../b", ""])
def test_manifest_with_files_outside_its_folder_is_damaged(name, tmp_path):
    (tmp_path / "a.txt").write_text("a")
    entry = describe_files(tmp_path)["a.txt"]
    Manifest("mine", {"a.txt": entry}).save(tmp_path)
    assert Manifest.load(tmp_path).problem(tmp_path) is None
    Manifest("mine", {name: entry}).save(tmp_path)
    assert Manifest.load(tmp_path) is None


@pytest.mark.parametrize("text", ["[" * 100_000, '{"run": "x", "files": {}, "checkpoints": [3]}', "[]"])
def test_other_files_count_as_no_manifest(tmp_path, text):
    (tmp_path / MANIFEST_NAME).write_text(text)
    assert Manifest.load(tmp_path) is None


def test_folder_with_a_superscript_number_is_not_a_checkpoint(keeper):
    (keeper.folder / "checkpoint-\N{SUPERSCRIPT TWO}").mkdir()
    assert find_checkpoints(keeper.folder) == []
    keeper.check_room(5)


def test_run_resumed_in_another_environment_gets_a_note():
    def record(torch, notes=()):
        environment = {"device": "cpu", "versions": {"torch": torch}}
        return RunRecord("lstm", "causal_lm", 0, {}, "abc", environment=environment, data={"notes": [*notes]})

    assert continuation_notes(record("2.1"), record("2.1")) == []
    (note,) = continuation_notes(record("2.1"), record("2.2"))
    assert note == "the run was interrupted and continued in another environment (torch 2.1 then, 2.2 now)"
    assert continuation_notes(record("2.2", [note]), record("2.2")) == [note]
