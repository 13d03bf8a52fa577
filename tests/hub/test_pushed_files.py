"""What goes to the Hub: an allow-list, and nothing from outside of the folder."""

import json
from types import SimpleNamespace

import pytest

from hfseq.errors import HfseqError
from hfseq.hub import push
from hfseq.hub.public_record import public_record
from hfseq.hub.pushed_files import checkpoint_files, pushed_files
from hfseq.training.trainer import SequenceTrainer

OURS = {
    "config.json": json.dumps(
        {"auto_map": {"AutoModel": "modeling_x.X", "AutoConfig": "other/repo--configuration_y.Y"}}
    ),
    "model.safetensors": "weights",
    "tokenizer.json": "{}",
    "modeling_x.py": "from .helper_x import help\n",
    "helper_x.py": "import math\n",
    "README.md": "card",
    "adapter/adapter_config.json": json.dumps({"base_model_name_or_path": "/home/anna/models/base", "r": 8}),
    "adapter/adapter_model.safetensors": "adapter",
}
OTHERS = {
    ".env": "secret",
    "notes.txt": "mine",
    "reviews.csv": "mine",
    "own.py": "mine",
    "configuration_y.py": "mine",
    "model-best.safetensors": "mine",
    "_test_predictions.npz": "mine",
    "run.json": "{}",
    "config.yaml": "dataset: /home/anna/reviews.csv",
    "training_args.bin": "mine",
    "adapter/README.md": "base_model: /home/anna/models/base",
    "adapter_config.json": "{}",
    "checkpoint-3/model.safetensors": "mine",
}


def make(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return folder


def test_only_files_of_a_model_are_pushed(tmp_path):
    make(tmp_path, {**OURS, **OTHERS})
    found = pushed_files(tmp_path)
    assert found.keys() == OURS.keys()
    assert json.loads(found["adapter/adapter_config.json"]) == {"base_model_name_or_path": "base", "r": 8}
    # A file of a usual name that a run did not write is somebody else's.
    (tmp_path / "vocab.txt").write_text("mine")
    assert "vocab.txt" in pushed_files(tmp_path)
    assert pushed_files(tmp_path, written=OURS).keys() == OURS.keys()


def test_shards_are_pushed(tmp_path):
    shards = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    make(tmp_path, {"config.json": "{}", "model.safetensors.index.json": "{}", **dict.fromkeys(shards, "weights")})
    assert pushed_files(tmp_path).keys() == {"config.json", "model.safetensors.index.json", *shards}


def test_a_link_out_of_the_folder_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(push, "HfApi", lambda **options: pytest.fail("the Hub was asked"))
    folder = make(tmp_path / "run", OURS)
    make(tmp_path, {"private.json": "secret"})
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer.json").symlink_to(tmp_path / "private.json")
    with pytest.raises(HfseqError, match=r"tokenizer\.json is a link to a file outside of .*run, which is not pushed"):
        push.push_folder(folder, "me/model", {})
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer.json").symlink_to("helper_x.py")
    (tmp_path / "link").symlink_to(folder)
    assert pushed_files(tmp_path / "link").keys() == OURS.keys()


def test_a_checkpoint_is_pushed_without_places_of_the_machine(tmp_path, monkeypatch):
    files = {
        **OURS,
        "optimizer.pt": "state",
        "rng_state_1.pth": "state",
        "trainer_state.json": json.dumps({"best_model_checkpoint": "/home/anna/run/checkpoint-4", "epoch": 1}),
        "training_args.bin": "mine",
        "notes.txt": "mine",
    }
    folder = make(tmp_path / "checkpoint-4", files)
    state = {"optimizer.pt", "rng_state_1.pth", "trainer_state.json"}
    found = checkpoint_files(folder)
    assert found.keys() == OURS.keys() | state
    assert json.loads(found["trainer_state.json"]) == {"best_model_checkpoint": "checkpoint-4", "epoch": 1}
    commits = []

    class Api:
        def __init__(self, token):
            pass

        def create_commit(self, repo_id, operations, **options):
            commits.append((repo_id, {operation.path_in_repo for operation in operations}, options))

    monkeypatch.setattr(push, "HfApi", Api)
    for strategy, place in (("every_save", None), ("checkpoint", "last-checkpoint"), ("all_checkpoints", folder.name)):
        push.push_checkpoint(folder, "me/model", strategy=strategy)
        repo_id, names, options = commits.pop()
        assert (repo_id, options["commit_message"]) == ("me/model", "Training in progress, step 4")
        more = {f"{place}/{name}" for name in found} if place else set()
        assert names == OURS.keys() | more


def test_a_trainer_pushes_by_the_same_list(tmp_path, monkeypatch):
    commits = []

    class Api:
        def __init__(self, token):
            pass

        def create_repo(self, repo_id, **options):
            return SimpleNamespace(repo_id=f"me/{repo_id}")

        def create_commit(self, repo_id, operations, **options):
            commits.append((repo_id, {operation.path_in_repo for operation in operations}, options["commit_message"]))

    monkeypatch.setattr(push, "HfApi", Api)
    folder = make(tmp_path / "run", {**OURS, **OTHERS})
    values = {"output_dir": str(folder), "hub_model_id": None, "hub_token": None, "hub_private_repo": None}
    trainer = SimpleNamespace(
        args=SimpleNamespace(**values, hub_revision=None), record=None, hub_model_id=None,
        save_model=lambda **options: None, is_world_process_zero=lambda: True, _finish_current_push=lambda: None,
    )  # fmt: skip
    assert SequenceTrainer.push_to_hub(trainer, "Mine") == "me/run"
    assert commits == [("me/run", set(OURS), "Mine")]


def test_a_record_names_no_place_of_the_machine(tmp_path):
    data = make(tmp_path, {"reviews.csv": "text,label\n"}) / "reviews.csv"
    record = {
        "config": {"dataset": str(data), "model": "/home/anna/bert", "cache_dir": "/scratch/anna", "seed": 1},
        "data": {"dataset": str(data), "notes": [f"split 'train' of '{data}': 3 rows", "a/b is a ratio"]},
        "model": {"base_model": "/home/anna/bert"},
        "error": "OSError: /scratch/anna/x is full",
    }
    found = public_record(record)
    assert found == {
        "config": {"dataset": "./reviews.csv", "model": "./bert", "seed": 1},
        "data": {"dataset": "./reviews.csv", "notes": ["split 'train' of 'reviews.csv': 3 rows", "a/b is a ratio"]},
        "model": {"base_model": "./bert"},
        "error": "OSError: anna/x is full",
    }
    assert public_record(found) == found
    kept = {"config": {"dataset": "org/set", "model": "gru"}, "data": {"dataset": "builtin:dates"}, "model": {}}
    assert public_record(kept) == kept
