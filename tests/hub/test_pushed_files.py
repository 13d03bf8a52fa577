"""Files that are uploaded to the Hub: only those of an allow-list, and none from outside the folder."""

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
    "notes.txt": "a file of the user",
    "reviews.csv": "a file of the user",
    "own.py": "a file of the user",
    "configuration_y.py": "a file of the user",
    "model-best.safetensors": "a file of the user",
    "_test_predictions.npz": "a file of the user",
    "run.json": "{}",
    "config.yaml": "dataset: /home/anna/reviews.csv",
    "training_args.bin": "a file of the user",
    "adapter/README.md": "base_model: /home/anna/models/base",
    "adapter_config.json": "{}",
    "checkpoint-3/model.safetensors": "a file of the user",
}


def make(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return folder


def test_pushed_files_are_only_those_of_the_model(tmp_path):
    make(tmp_path, {**OURS, **OTHERS})
    found = pushed_files(tmp_path)
    assert found.keys() == OURS.keys()
    assert json.loads(found["adapter/adapter_config.json"]) == {"base_model_name_or_path": "base", "r": 8}
    # A file with the name of a model file that the run did not write belongs to the user.
    (tmp_path / "vocab.txt").write_text("a file of the user")
    assert "vocab.txt" in pushed_files(tmp_path)
    assert pushed_files(tmp_path, written=OURS).keys() == OURS.keys()


def test_pushed_files_include_shards(tmp_path):
    shards = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    make(tmp_path, {"config.json": "{}", "model.safetensors.index.json": "{}", **dict.fromkeys(shards, "weights")})
    assert pushed_files(tmp_path).keys() == {"config.json", "model.safetensors.index.json", *shards}


def test_pushed_files_reject_links_out_of_the_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(push, "HfApi", lambda **options: pytest.fail("the Hub was contacted"))
    folder = make(tmp_path / "run", OURS)
    make(tmp_path, {"private.json": "secret"})
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer.json").symlink_to(tmp_path / "private.json")
    with pytest.raises(HfseqError, match=r"tokenizer\.json is a link to a file outside .*run\. Such files are not"):
        push.push_folder(folder, "me/model", {})
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer.json").symlink_to("helper_x.py")
    (tmp_path / "link").symlink_to(folder)
    assert pushed_files(tmp_path / "link").keys() == OURS.keys()


def test_push_checkpoint_removes_local_paths(tmp_path, monkeypatch):
    files = {
        **OURS,
        "optimizer.pt": "state",
        "rng_state_1.pth": "state",
        "trainer_state.json": json.dumps({"best_model_checkpoint": "/home/anna/run/checkpoint-4", "epoch": 1}),
        "training_args.bin": "a file of the user",
        "notes.txt": "a file of the user",
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
    subfolders = {"every_save": None, "checkpoint": "last-checkpoint", "all_checkpoints": folder.name}
    for strategy, subfolder in subfolders.items():
        push.push_checkpoint(folder, "me/model", strategy=strategy)
        repo_id, names, options = commits.pop()
        assert (repo_id, options["commit_message"]) == ("me/model", "Training in progress, step 4")
        more = {f"{subfolder}/{name}" for name in found} if subfolder else set()
        assert names == OURS.keys() | more


def test_trainer_pushes_the_same_files(tmp_path, monkeypatch):
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


def test_public_record_has_no_local_paths(tmp_path):
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
    unchanged = {"config": {"dataset": "org/set", "model": "gru"}, "data": {"dataset": "builtin:dates"}, "model": {}}
    assert public_record(unchanged) == unchanged
