"""The parent's side of a measuring process."""

import json
import os
import pickle
import queue
import subprocess
import tempfile
import threading
from contextlib import suppress
from typing import IO, Any

from hfseq.comparison.forking import ForkServer, start_process
from hfseq.errors import HfseqError
from hfseq.training.launched import spin_variables

# Seconds without a reply after which a process counts as hanging.
PATIENCE = 600.0


def measuring_server() -> ForkServer:
    """Starts the processes of several models, which import the same libraries."""
    return ForkServer(("hfseq.comparison.costs.worker",), spin_variables(os.environ))


class MeasuringProcess:
    """A fresh process that measures one model: see [`Worker`] for its methods.

    Its number of threads is the default of torch, or `OMP_NUM_THREADS`.

    Args:
        server (`ForkServer`, *optional*): starts the process, if it can: see [`measuring_server`].
    """

    def __init__(self, server: ForkServer | None = None) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (closed in close)
        # In its own session, an interruption from the terminal does not reach it; the parent ends it.
        self._process = start_process(
            server,
            ["-P", "-m", "hfseq.comparison.costs"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            environment=spin_variables(os.environ),
        )
        assert self._process.stdout is not None  # piped above
        self._replies: queue.Queue[bytes] = queue.Queue()
        threading.Thread(target=_read, args=(self._process.stdout, self._replies), daemon=True).start()

    def send(self, method: str, **arguments: Any) -> None:
        """Asks for a measurement, without waiting for it."""
        assert self._process.stdin is not None  # piped above
        with suppress(BrokenPipeError):  # receive tells why the process has ended
            pickle.dump((method, arguments), self._process.stdin)
            self._process.stdin.flush()

    def receive(self) -> Any:
        """The result of the last request.

        Raises:
            HfseqError: the measurement has failed, or the process has ended or hangs.
        """
        try:
            line = self._replies.get(timeout=PATIENCE)
        except queue.Empty:
            self._process.kill()
            raise HfseqError(f"the measuring process did not answer within {PATIENCE:.0f} s") from None
        if not line:
            raise HfseqError(self._ending())
        reply = json.loads(line)
        if "error" in reply:
            raise HfseqError(reply["error"])
        return reply["value"]

    def ask(self, method: str, **arguments: Any) -> Any:
        """Sends a request, and waits for its result."""
        self.send(method, **arguments)
        return self.receive()

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.wait()
        self._errors.close()

    def _ending(self) -> str:
        status = self._process.wait()
        if status < 0:
            killed = " (most likely out of memory)" if status == -9 else ""
            return f"the measuring process was terminated by signal {-status}{killed}"
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "no message")
        return f"the measuring process exited with code {status}: {last}"


def _read(stream: IO[bytes], replies: "queue.Queue[bytes]") -> None:
    for line in stream:
        replies.put(line)
    replies.put(b"")
