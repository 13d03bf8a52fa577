import os
import shlex
import sys
from types import SimpleNamespace

import pytest

from hfseq.comparison.execution import result_of
from hfseq.comparison.launchers import LaunchSettings, make_launcher
from hfseq.comparison.launchers import print as print_launcher
from hfseq.comparison.launchers import slurm as slurm_launcher
from hfseq.comparison.launchers.base import RunsDeferred
from hfseq.comparison.launchers.remote import RemoteRun, marked, unpack
from hfseq.comparison.plan import PlannedRun
from hfseq.comparison.run_process import RunCommand
from hfseq.comparison.scheduling import train_runs
from hfseq.data.yaml_files import load_yaml
from hfseq.errors import HfseqError

# Stands for a training: writes files into the output_dir of its settings.
RUN = """
import os, pathlib, sys
folder = pathlib.Path(open(sys.argv[1]).read().split("output_dir: ")[1].split()[0])
(folder / "checkpoint-3").mkdir()
(folder / "checkpoint-3" / "optimizer.pt").write_text("large")
(folder / "part").mkdir()
(folder / "part" / "model.safetensors").write_text("weights")
print(os.environ["HFSEQ_LAUNCHER"], os.environ["OMP_NUM_THREADS"], os.environ["HFSEQ_PARENT"], file=sys.stderr)
"""


@pytest.fixture
def command(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    path = folder / "config.yaml"
    path.write_text(f"model: gru\noutput_dir: {folder}\n")
    return RunCommand(("-S", "-c", RUN, str(path)), str(folder), str(path), str(tmp_path))


def files_of(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_remote_run_works_in_a_shared_folder(tmp_path, command, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with marked(tmp_path) as mark:
        ending, archive = RemoteRun(command, "", mark, "ray", 3)()
    assert (ending.status, archive) == (0, None)
    assert ending.tail == f"ray 3 {os.getpid()}\n"
    assert files_of(tmp_path / "run") == [
        "checkpoint-3/optimizer.pt", "config.yaml", "part/model.safetensors", "train.log",
    ]  # fmt: skip
    assert not mark.is_visible()  # it is removed at the end


def test_files_of_a_machine_without_the_folder_are_brought_back(tmp_path, command):
    with marked(tmp_path) as mark:
        elsewhere = RemoteRun(command, (tmp_path / "run/config.yaml").read_text(), mark, "ray", 1)
        (tmp_path / "_hfseq.shared").write_text("of another comparison")
        ending, archive = elsewhere()
    assert ending.status == 0 and files_of(tmp_path / "run") == ["config.yaml"]
    unpack(archive, tmp_path / "run")
    # Neither checkpoints nor the settings with the folder on the other machine.
    assert files_of(tmp_path / "run") == ["config.yaml", "part/model.safetensors", "train.log"]
    assert load_yaml((tmp_path / "run/config.yaml").read_text(), "")["output_dir"] == str(tmp_path / "run")


def test_damaged_record_is_the_error_of_its_run(tmp_path, command):
    run = PlannedRun("gru", 0, tmp_path / "run", SimpleNamespace())
    (tmp_path / "run/run.json").write_text("{")
    assert "is not a run record" in result_of(run, SimpleNamespace(status=0, tail="")).error


def test_print_launcher_writes_one_command_per_run(tmp_path, monkeypatch):
    def command(run):
        words = ("-P", "-m", "hfseq", "train", f"{run.folder}/config.yaml")
        if run.name == "baseline":
            words = ("-P", "-m", "hfseq.comparison.baselines", f"{run.folder}/baseline.yaml")
        return RunCommand(words, str(run.folder), words[-1], os.getcwd())

    monkeypatch.setattr(print_launcher, "run_command", command)
    names = ("gru", "a model", "baseline")
    runs = [PlannedRun(name, 0, tmp_path / name / "seed-0", SimpleNamespace()) for name in names]
    launcher, lines = make_launcher("print", tmp_path, None, None), []
    with launcher, pytest.raises(RunsDeferred, match=r"wrote 3 commands to .*commands\.sh") as deferred:
        train_runs(runs, launcher, lines.append)
    expected = [
        f"hfseq train {tmp_path}/gru/seed-0/config.yaml",
        f"hfseq train '{tmp_path}/a model/seed-0/config.yaml'",
        f"{sys.executable} -P -m hfseq.comparison.baselines {tmp_path}/baseline/seed-0/baseline.yaml",
    ]
    assert list(deferred.value.commands) == expected
    script = (tmp_path / "commands.sh").read_text().splitlines()
    assert script[-4:] == [f"cd {shlex.quote(os.getcwd())}", *expected]
    assert lines[0] == "[1/3] gru, seed 0: command written"


@pytest.mark.parametrize(
    ("name", "jobs", "options", "message"),
    [
        ("locl", None, None, "unknown launcher 'locl': did you mean 'local'"),
        ("local", None, "num_cpus=2", "the launcher local has no launcher_options, but got num_cpus"),
        ("local", None, "two", "launcher_options must look like"),
        ("print", 2, None, "jobs has no effect with the launcher print"),
        ("ray", None, "num_cpu=2", "the launcher ray has no option 'num_cpu': did you mean 'num_cpus'"),
        ("ray", None, "num_cpus=many", "num_cpus must be a number of at least 0, not 'many'"),
        ("ray", None, "resources=1", "resources must be a mapping, not 1"),
        ("slurm", None, "partitio=main", "the launcher slurm has no option 'partitio': did you mean 'partition'"),
        ("slurm", None, "cluster=locl", "cluster 'locl' is not known: did you mean 'local'"),
        ("slurm", None, "partition=main", "there is no Slurm on this machine: the command sbatch was not found"),
    ],
)
def test_invalid_launchers_are_rejected(tmp_path, monkeypatch, name, jobs, options, message):
    monkeypatch.setattr(slurm_launcher.shutil, "which", lambda program: None)
    with pytest.raises(HfseqError, match=message):
        make_launcher(name, tmp_path, jobs, options)


@pytest.mark.parametrize(("name", "module"), [("ray", "ray"), ("slurm", "submitit")])
def test_missing_package_names_the_extra(tmp_path, monkeypatch, name, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(HfseqError, match=rf'pip install "hfseq\[{name}\]"'):
        make_launcher(name, tmp_path, None, None)


def test_slurm_options_are_passed_to_submitit(tmp_path):
    options = {"cluster": "local", "partition": "main", "time": 30, "gpus": 1, "cpus": 4}
    launcher = slurm_launcher.SlurmLauncher(LaunchSettings(tmp_path, None, options))
    with launcher:
        assert launcher._job_parameters == {
            "timeout_min": 30, "slurm_partition": "main", "gpus_per_node": 1, "cpus_per_task": 4,
        }  # fmt: skip
        assert launcher._executor.parameters["timeout_min"] == 30
        assert launcher._executor.parameters["gpus_per_node"] == 1
    with pytest.raises(HfseqError, match="launcher_options are not valid for submitit"):
        slurm_launcher.SlurmLauncher(LaunchSettings(tmp_path, None, {"cluster": "local", "time": "long"})).__enter__()
