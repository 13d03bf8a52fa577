"""The clients of huggingface_hub and datasets against the loopback Hub. Each client runs in its own process."""

import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from loopback_hub import LoopbackHub

CONFIG = b'{"model_type": "tiny"}\n'
WEIGHTS = bytes(range(256)) * 5

PUSH_AND_READ_BACK = """
import sys
from pathlib import Path
from huggingface_hub import HfApi, hf_hub_download, snapshot_download

folder = Path(sys.argv[1])
api = HfApi()
print("user", api.whoami()["name"])
api.create_repo("tester/tiny")
api.create_repo("tester/tiny", exist_ok=True)
first = api.upload_folder(repo_id="tester/tiny", folder_path=folder).oid
assert api.model_info("tester/tiny").sha == first
downloaded = Path(hf_hub_download("tester/tiny", "weights/model.safetensors"))
assert downloaded.read_bytes() == (folder / "weights" / "model.safetensors").read_bytes()

snapshot = Path(snapshot_download("tester/tiny"))
names = sorted(path.relative_to(snapshot).as_posix() for path in snapshot.rglob("*") if path.is_file())
print("snapshot", *names)
assert (snapshot / "config.json").read_bytes() == (folder / "config.json").read_bytes()

api.upload_file(repo_id="tester/tiny", path_or_fileobj=b"{}", path_in_repo="config.json")
api.delete_file("weights/model.safetensors", "tester/tiny")
print("left", *api.list_repo_files("tester/tiny"))
old = Path(hf_hub_download("tester/tiny", "config.json", revision=first))
assert old.read_bytes() == (folder / "config.json").read_bytes()
assert api.list_repo_refs("tester/tiny").branches[0].target_commit == api.model_info("tester/tiny").sha
"""

MISSING_THINGS = """
from huggingface_hub import HfApi, hf_hub_download

def kind_of_error(call, *arguments, **options):
    try:
        call(*arguments, **options)
    except Exception as error:
        return f"{type(error).__name__} {error.response.status_code}"

print(kind_of_error(HfApi().model_info, "tester/absent"))
print(kind_of_error(hf_hub_download, "tester/absent", "config.json"))
print(kind_of_error(hf_hub_download, "tester/tiny", "absent.json"))
print(kind_of_error(hf_hub_download, "tester/tiny", "config.json", revision="absent"))
print(kind_of_error(HfApi(token=False).create_repo, "tester/mine"))
print(kind_of_error(HfApi().create_repo, "tester/tiny"))
"""

LOAD_A_DATASET = """
import datasets
loaded = datasets.load_dataset("tester/data")
print(sorted(loaded), loaded["train"].column_names, loaded["train"]["text"][0], len(loaded["test"]))
streamed = datasets.load_dataset("tester/data", split="test", streaming=True)
print([row["label"] for row in streamed])
"""


def run_client(hub: LoopbackHub, home: Path, code: str, *arguments: object) -> list[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    process = subprocess.run(command, env=hub.environment(home), capture_output=True, text=True, timeout=120)
    assert process.returncode == 0, process.stderr
    return process.stdout.splitlines()


@pytest.fixture
def model_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "weights").mkdir(parents=True)
    (folder / "config.json").write_bytes(CONFIG)
    (folder / "weights" / "model.safetensors").write_bytes(WEIGHTS)
    return folder


def test_pushed_folder_can_be_downloaded_unchanged(hub: LoopbackHub, model_folder: Path, tmp_path: Path) -> None:
    lines = run_client(hub, tmp_path / "home", PUSH_AND_READ_BACK, model_folder)
    assert lines == ["user tester", "snapshot config.json weights/model.safetensors", "left config.json"]
    assert hub.repository("models", "tester/tiny").files == {"config.json": b"{}"}
    pushed = next(files for files in hub.repository("models", "tester/tiny").commits.values() if len(files) == 2)
    assert pushed == {"config.json": CONFIG, "weights/model.safetensors": WEIGHTS}
    assert any(request.startswith("PUT /lfs/") for request in hub.requests)


def test_missing_files_raise_the_errors_of_the_hub(hub: LoopbackHub, model_folder: Path, tmp_path: Path) -> None:
    hub.add_model("tester/tiny", model_folder)
    assert run_client(hub, tmp_path / "home", MISSING_THINGS) == [
        "RepositoryNotFoundError 404",
        "RepositoryNotFoundError 404",
        "RemoteEntryNotFoundError 404",
        "RevisionNotFoundError 404",
        "HfHubHTTPError 401",
        "HfHubHTTPError 409",
    ]


def test_dataset_can_be_loaded_and_streamed(hub: LoopbackHub, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "train.csv").write_text("text,label\nfine,1\nbad,0\n")
    (folder / "test.csv").write_text("text,label\nso so,0\n")
    hub.add_dataset("tester/data", folder)
    lines = run_client(hub, tmp_path / "home", LOAD_A_DATASET)
    assert lines == ["['test', 'train'] ['text', 'label'] fine 1", "[0]"]


def test_hub_serves_byte_ranges(hub: LoopbackHub, model_folder: Path) -> None:
    hub.add_model("tester/tiny", model_folder)
    url = f"{hub.endpoint}/tester/tiny/resolve/main/weights/model.safetensors"
    request = urllib.request.Request(url, headers={"Range": "bytes=3-6"})
    with urllib.request.urlopen(request) as response:
        assert (response.status, response.read()) == (206, WEIGHTS[3:7])
        assert response.headers["Content-Range"] == f"bytes 3-6/{len(WEIGHTS)}"


def test_hub_rejects_unknown_routes_and_wrong_checksums(hub: LoopbackHub) -> None:
    for method, path, status in [("GET", "/api/spaces", 404), ("PUT", f"/lfs/{'0' * 64}", 400)]:
        request = urllib.request.Request(hub.endpoint + path, data=b"x" if method == "PUT" else None, method=method)
        with pytest.raises(urllib.error.HTTPError) as raised:
            urllib.request.urlopen(request)
        assert raised.value.code == status


def test_hub_rejects_an_empty_folder(hub: LoopbackHub, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="contains no files"):
        hub.add_model("tester/empty", tmp_path)
    with pytest.raises(KeyError):
        hub.repository("models", "tester/empty")
