"""Every code block of the guides runs, in the order of the guide and in an empty folder."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDES = sorted((ROOT / "recipes" / "guides").glob("*.md"))
# These train several models, each in a process of its own.
SLOW = {"fair_budgets", "many_machines", "reading_the_comparison", "your_own_series", "your_own_text"}
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
# A block that begins with a comment such as `# proteins.py` is the content of that file.
FILE_NAME = re.compile(r"# ([\w./-]+\.(?:py|yaml))\n")
# A console block needs a cluster, and is not run.
LANGUAGES = {"bash", "console", "python", "toml", "yaml"}


def make_script(guide: Path) -> str:
    """A Python script that runs the blocks: Python blocks share one process, bash blocks have one each."""
    lines = ["import subprocess, sys", "from pathlib import Path", "sys.path.insert(0, '')", "namespace = {}"]
    for language, code in BLOCK.findall(guide.read_text(encoding="utf-8")):
        if named := FILE_NAME.match(code):
            lines.append(f"Path({named[1]!r}).write_text({code!r}, encoding='utf-8')")
        elif language == "python":
            lines.append(f"exec(compile({code!r}, {guide.name!r}, 'exec'), namespace)")
        elif language == "bash":
            lines.append(f"subprocess.run(['bash', '-euo', 'pipefail', '-c', {code!r}], check=True)")
    return "\n".join(lines)


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
def test_guide_has_only_blocks_that_are_run(guide):
    blocks = BLOCK.findall(guide.read_text(encoding="utf-8"))
    assert {language for language, _ in blocks} <= LANGUAGES
    assert [language for language, _ in blocks if language in ("bash", "python")]
    for language, code in blocks:
        assert language != "yaml" or FILE_NAME.match(code), "a yaml block without the name of its file"


@pytest.mark.parametrize(
    "guide",
    [pytest.param(path, marks=[pytest.mark.slow] if path.stem in SLOW else [], id=path.stem) for path in GUIDES],
)
def test_guide_runs(guide, process_environment, tmp_path):
    """With the `hfseq` command of this environment."""
    folder = tmp_path / "empty"
    folder.mkdir()
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "hfseq").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m hfseq "$@"\n')
    (programs / "hfseq").chmod(0o755)
    environment = {
        **process_environment,
        "PATH": os.pathsep.join([str(programs), os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }
    done = subprocess.run(
        [sys.executable, "-c", make_script(guide)],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-3000:]}"


def test_guides_are_in_the_readme():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(GUIDES) >= 6
    for guide in GUIDES:
        assert f"recipes/guides/{guide.name}" in text, guide.name
