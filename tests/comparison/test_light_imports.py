"""Reading a comparison and its runs imports no library of training."""

import subprocess
import sys

# Libraries that take longer to import than a report to be made.
HEAVY = ("torch", "transformers", "evaluate", "datasets", "pandas", "sklearn", "accelerate", "huggingface_hub")
SCRIPT = """
import sys
from pathlib import Path

from hfseq.comparison import Comparison
from hfseq.comparison.collect import collect
from hfseq.comparison.evidence import load_evidence
from hfseq.comparison.report import to_markdown
from hfseq.comparison.run_result import RunResult
from hfseq.training.record import RunRecord

folders = [Path(sys.argv[1], name, "seed-0") for name in "ab"]
results = [RunResult(folder.parent.name, 0, folder, RunRecord.load(folder), None) for folder in folders]
comparison = collect(results)
assert "accuracy" in to_markdown(comparison)
assert load_evidence(results[:1], "test").size == 4
print(*(name for name in sys.argv[2:] if name in sys.modules))
"""


def test_reading_runs_imports_no_library_of_training(make_result, tmp_path):
    for name in "ab":
        result = make_result(
            name, right=[True, False, True, True], data={"directions": {"accuracy": True, "f1_macro": True}}
        )
        result.record.save(result.folder)
    found = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path), *HEAVY], capture_output=True, text=True, check=False
    )
    assert (found.stdout.split(), found.returncode) == ([], 0), found.stderr
