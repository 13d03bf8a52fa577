"""Shell completion."""

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("hfseq tr", ["train "]),
        ("hfseq train --learning", ["--learning_rate "]),
        ("hfseq train --model g", ["gru "]),
        ("hfseq compare --models mini", ["minilm "]),
        ("hfseq train --task f", ["forecasting "]),
        ("hfseq train --dataset builtin:dt", ["dtmf", "builtin:dtmf "]),
        ("hfseq train --help au", ["audio "]),
        ("hfseq report R --export la", ["latex "]),
        ("hfseq predict model --input_f", ["--input_format "]),
    ],
)
def test_completion_offers_commands_flags_and_values(line, expected, tmp_path):
    found = tmp_path / "found"
    environment = {
        **os.environ, "COMP_LINE": line, "COMP_POINT": str(len(line)), "COMP_TYPE": "9", "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n", "_ARGCOMPLETE_STDOUT_FILENAME": str(found),
    }  # fmt: skip
    subprocess.run([sys.executable, "-m", "hfseq"], env=environment, cwd=tmp_path, check=True, timeout=60)
    words = found.read_text().split("\n")
    assert words and set(words) <= set(expected)
