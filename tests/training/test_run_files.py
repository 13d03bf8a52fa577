"""What a run writes into its folder, and how: whole, in its own files, and nowhere else."""

import os

import pytest
from small import TINY

from hfseq.training.manifest import Manifest, describe_files
from hfseq.training.reading import parse_mapping, read_yaml
from hfseq.training.run_checkpoints import CheckpointKeeper
from hfseq.training.run_files import clear_run, install, resume_note, staging_folder, write_config
from hfseq.training.settings import resolve


def make_arguments(folder, **settings):
    return resolve(parse_mapping({**TINY, "output_dir": str(folder), **settings}, where="test"))


def test_links_are_replaced_and_not_followed(tmp_path):
    folder, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    for path in (folder, elsewhere):
        path.mkdir()
    (elsewhere / "weights").write_text("mine")
    (folder / "model.safetensors").symlink_to(elsewhere / "weights")
    (folder / "adapter").symlink_to(elsewhere)
    (folder / ".saving").symlink_to(elsewhere)
    staging = staging_folder(folder)
    (staging / "model.safetensors").write_text("new")
    (staging / "adapter").mkdir()
    (staging / "adapter" / "weights").write_text("new")
    install(staging, folder)
    assert (elsewhere / "weights").read_text() == "mine" and os.listdir(elsewhere) == ["weights"]
    assert (folder / "model.safetensors").read_text() == (folder / "adapter" / "weights").read_text() == "new"
    assert sorted(os.listdir(folder)) == ["adapter", "model.safetensors"]


def test_staging_folder_is_empty(tmp_path):
    (staging_folder(tmp_path) / "part").write_text("")
    assert not list(staging_folder(tmp_path).iterdir())


def test_only_files_of_hfseq_are_deleted(tmp_path):
    folder, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    (folder / "adapter").mkdir(parents=True)
    elsewhere.mkdir()
    for path in (folder / "model.safetensors", folder / "adapter" / "weights", elsewhere / "weights"):
        path.write_text("written")
    files = describe_files(folder)
    for name in ("notes.txt", "adapter/notes.txt"):
        (folder / name).write_text("mine")
    keeper = CheckpointKeeper(folder, "mine", None)
    keeper.begin(folder / "checkpoint-1")
    for name in ("checkpoint-1", "checkpoint-2"):
        (folder / name).mkdir()
    Manifest("mine", {**files, "linked/weights": files["model.safetensors"]}, ["checkpoint-1"]).save(folder)
    (folder / "linked").symlink_to(elsewhere)
    clear_run(folder)
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*")) == [
        "adapter", "adapter/notes.txt", "checkpoint-2", "linked", "notes.txt"
    ]  # fmt: skip
    assert (elsewhere / "weights").read_text() == "written"


def test_config_file_repeats_the_run(tmp_path):
    arguments = make_arguments(tmp_path, seed=3, overwrite_output_dir=True)
    write_config(arguments)
    again = resolve(read_yaml(tmp_path / "config.yaml"))
    assert {**again.settings, "overwrite_output_dir": True} == arguments.settings
    write_config(make_arguments(tmp_path, seed=4))
    assert read_yaml(tmp_path / "config.yaml")["seed"] == 4
    (tmp_path / "config.yaml").write_text("# mine\nseed: 5\n")
    write_config(arguments)
    assert (tmp_path / "config.yaml").read_text() == "# mine\nseed: 5\n"


def test_interruption_explains_how_to_resume(tmp_path):
    arguments = make_arguments(tmp_path)

    def note():
        with pytest.raises(KeyboardInterrupt) as stopped, resume_note(arguments):
            raise KeyboardInterrupt
        return stopped.value.__notes__

    assert note() == ["nothing had been written yet; the same command starts it again"]
    (tmp_path / "run.json").write_text("{}")
    assert note() == ["the same command continues from the start"]
    write_config(arguments)
    keeper = CheckpointKeeper(tmp_path, "mine", None)
    for step in (8, 12):
        path = tmp_path / f"checkpoint-{step}"
        keeper.begin(path)
        path.mkdir()
    keeper.seal(tmp_path / "checkpoint-8")
    assert note() == [f"to continue from checkpoint-8: hfseq train {tmp_path / 'config.yaml'}"]
