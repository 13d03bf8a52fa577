"""Processes that a fork server starts: like ordinary ones, but without the time of their imports."""

import os
import signal
import subprocess
import sys
import time

import pytest

from hfseq.comparison.forking import ForkServer, start_process
from hfseq.comparison.forking.client import ForkedProcess, can_fork

pytestmark = pytest.mark.skipif(not can_fork(), reason="only on Linux without a GPU")

PRELOADED = "import os\nIMPORTED_BY = os.getpid()\n"
CHILD = """
import os, sys
import preloaded
from hfseq.training.launched import follow_parent
follow_parent()
own = os.getsid(0) == os.getpid() and preloaded.IMPORTED_BY == os.getppid() and __name__ == "__main__"
print(own, sys.argv[1:], os.getcwd(), os.environ["COLOUR"], sys.stdin.read(), flush=True)
sys.stderr.write("told")
if sys.argv[1:] == ["wait"]:
    import time
    time.sleep(60)
sys.exit(int(sys.argv[1]) if sys.argv[1:] else 0)
"""


@pytest.fixture
def environment(tmp_path, monkeypatch):
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "preloaded.py").write_text(PRELOADED)
    (folder / "child.py").write_text(CHILD)
    monkeypatch.setenv("PYTHONPATH", f"{folder}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    return {"COLOUR": "green", "HFSEQ_PARENT": str(os.getpid())}


def start(server, environment, *words, **more):
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return start_process(server, ["-P", "-m", "child", *words], environment=environment, **pipes, **more)


def test_copy_is_a_process_of_its_own(environment, tmp_path):
    with ForkServer(["preloaded"], environment) as server:
        processes = [start(server, {**environment, "COLOUR": word}, word, directory=str(tmp_path)) for word in "034"]
        assert all(isinstance(process, ForkedProcess) for process in processes)
        for word, process in zip("034", processes, strict=True):
            process.stdin.write(b"question")
            process.stdin.close()
            assert process.stdout.read().decode() == f"True ['{word}'] {tmp_path} {word} question\n"
            assert process.stderr.read() == b"told"
            assert process.wait(timeout=20) == process.poll() == int(word)
    assert "COLOUR" not in os.environ


def test_copy_receives_signals_and_tells_which_one_ended_it(environment):
    with ForkServer(["preloaded"], environment) as server:
        for send, number in ((lambda process: process.send_signal(signal.SIGTERM), 15), (ForkedProcess.kill, 9)):
            process = start(server, environment, "wait")
            process.stdin.close()
            process.stdout.readline()
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(timeout=0.1)
            send(process)
            assert process.wait(timeout=20) == -number


def test_ordinary_process_where_the_server_fails(environment):
    with ForkServer(["no_such_module"], environment) as server:
        process = start(server, environment, "5")
        assert isinstance(process, subprocess.Popen)
        assert process.communicate(b"")[0].startswith(b"False ['5']") and process.returncode == 5


def test_ordinary_process_beside_a_gpu(environment, monkeypatch):
    monkeypatch.setattr("hfseq.comparison.forking.client.can_fork", lambda: False)
    with ForkServer(["preloaded"], environment) as server:
        process = start(server, environment)
        assert isinstance(process, subprocess.Popen) and process.communicate(b"")[0].startswith(b"False []")


def test_copies_end_with_their_server(environment):
    with ForkServer(["preloaded"], environment) as server:
        process = start(server, environment, "wait")
        process.stdin.close()
        process.stdout.readline()
        os.kill(server._server.pid, signal.SIGKILL)
        assert process.wait(timeout=20) == -signal.SIGKILL
        assert process.stdout.read() == b""  # it has really ended
        assert isinstance(start(server, environment), subprocess.Popen)


MEASURED = """
import numpy
lines = open("/proc/self/status").read().splitlines()
print(next(line.split()[1] for line in lines if line.startswith("VmHWM")))
"""


def test_copy_has_the_memory_of_an_ordinary_process(environment, tmp_path):
    (tmp_path / "modules" / "measured.py").write_text(MEASURED)
    with ForkServer(["numpy"]) as server:
        copy = start_process(server, ["-P", "-m", "measured"], stdout=subprocess.PIPE)
        ordinary = start_process(None, ["-P", "-m", "measured"], stdout=subprocess.PIPE)
        assert isinstance(copy, ForkedProcess) and copy.wait(timeout=20) == ordinary.wait(timeout=20) == 0
        assert int(copy.stdout.read()) == pytest.approx(int(ordinary.stdout.read()), abs=10_000)  # kB


KILLED = """
import os, subprocess, sys, time
from hfseq.comparison.forking import ForkServer, start_process
variables = {"COLOUR": "green", "HFSEQ_PARENT": str(os.getpid())}
server = ForkServer(["preloaded"], variables)
process = start_process(server, ["-P", "-m", "child", "wait"], stdout=1, environment=variables)
print(process.pid, flush=True)
time.sleep(60)
"""


def test_copies_end_when_the_comparison_is_killed(environment):
    killed = subprocess.Popen([sys.executable, "-c", KILLED], stdout=subprocess.PIPE, text=True)
    lines = sorted(killed.stdout.readline() for _ in range(2))
    pid = int(lines[0])
    killed.kill()
    killed.wait()
    deadline = time.monotonic() + 20
    while os.path.exists(f"/proc/{pid}") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not os.path.exists(f"/proc/{pid}")
