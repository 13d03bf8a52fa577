"""The side of the fork server that asks for processes."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any, Self

from hfseq.comparison.forking.server import MESSAGE_BYTES

Stream = int | IO[bytes]


class ForkServer:
    """Starts processes without the seconds in which each would import the same libraries.

    It is a context manager. Its own process is started with the first request. Where a copy of a process may not work,
    or if the server fails, [`start_process`] starts an ordinary process instead.

    Args:
        modules (`Sequence[str]`): the modules that are imported once.
        environment (`Mapping[str, str]`, *optional*): environment variables of the server and its copies, beside those
            of this process.
    """

    def __init__(self, modules: Sequence[str], environment: Mapping[str, str] | None = None):
        self._modules, self._environment = tuple(modules), dict(environment or {})
        self._channel: socket.socket | None = None
        self._server: subprocess.Popen | None = None
        self._running: dict[int, ForkedProcess] = {}
        self._works = can_fork()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the server, and kills its copies: nobody could tell how they end."""
        for process in self._running.values():
            process.kill()
            process.returncode = -signal.SIGKILL
        self._running.clear()
        if self._channel is not None and self._server is not None:
            self._channel.close()
            self._server.kill()
            self._server.wait()
        self._channel = self._server = None
        self._works = False

    def start(
        self, words: Sequence[str], directory: str, environment: Mapping[str, str], streams: Sequence[int]
    ) -> "ForkedProcess | None":
        """Starts a copy that runs a module.

        Args:
            words (`Sequence[str]`): the arguments of the Python interpreter.
            directory (`str`): the working directory.
            environment (`Mapping[str, str]`): additional environment variables.
            streams (`Sequence[int]`): file descriptors of standard input, output and error.

        Returns:
            `ForkedProcess`: the process; `None` if an ordinary one must be started.
        """
        if not self._works or tuple(words[:2]) != ("-P", "-m"):
            return None
        request = {"words": list(words[2:]), "directory": directory, "environment": dict(environment)}
        message = json.dumps(request).encode()
        if len(message) > MESSAGE_BYTES:
            return None
        try:
            channel = self._connected()
            socket.send_fds(channel, [message], streams)
            while True:
                reply = self._receive(None)
                if reply is None:
                    return None
                if "started" in reply:
                    process = ForkedProcess(self, reply["started"])
                    self._running[process.pid] = process
                    return process
        except OSError:
            self.close()
            return None

    def receive(self, timeout: float) -> None:
        """Takes note of processes that have ended, after waiting for the first one at most `timeout` seconds."""
        while self._channel is not None and select.select([self._channel], [], [], timeout)[0]:
            self._receive(0.0)
            timeout = 0.0

    def _connected(self) -> socket.socket:
        if self._channel is None:
            self._channel, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with other:
                words = ["-P", "-m", "hfseq.comparison.forking.server", str(other.fileno()), *self._modules]
                self._server = subprocess.Popen(
                    [sys.executable, *words],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,  # if it fails, an ordinary process tells why
                    env={**os.environ, **self._environment},
                    pass_fds=[other.fileno()],
                    start_new_session=True,
                )
        return self._channel

    def _receive(self, timeout: float | None) -> dict[str, Any] | None:
        """The next message, or `None` if the server has ended."""
        if self._channel is None or not select.select([self._channel], [], [], timeout)[0]:
            return None
        try:
            message = self._channel.recv(MESSAGE_BYTES)
        except OSError:
            message = b""
        if not message:
            self.close()
            return None
        reply = json.loads(message)
        if "ended" in reply and reply["ended"] in self._running:
            self._running.pop(reply["ended"]).returncode = reply["status"]
        return reply


class ForkedProcess:
    """A process that a fork server has started, with the interface of `subprocess.Popen`.

    Attributes:
        pid (`int`): its process id.
        returncode (`int`, *optional*): exit code; `-N` if signal N terminated it; `None` while it runs.
        stdin, stdout, stderr (`IO[bytes]`, *optional*): this side of the pipes.
    """

    def __init__(self, server: ForkServer, pid: int):
        self._server, self.pid = server, pid
        self.returncode: int | None = None
        self.stdin: IO[bytes] | None = None
        self.stdout: IO[bytes] | None = None
        self.stderr: IO[bytes] | None = None

    def poll(self) -> int | None:
        """The exit code; `None` while the process runs."""
        if self.returncode is None:
            self._server.receive(0.0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Waits for the end of the process.

        Raises:
            subprocess.TimeoutExpired: it did not end in time.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while self.poll() is None:
            left = 1.0 if deadline is None else deadline - time.monotonic()
            if left <= 0:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
            self._server.receive(min(left, 1.0))
        assert self.returncode is not None  # the loop ends then
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Sends a signal, unless the process has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kills the process."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


def can_fork() -> bool:
    """Whether a copy of a process that has imported torch works here.

    Only on Linux: libraries of other systems do not survive it. Not with a GPU: some libraries connect to it when they
    are imported, and a copy cannot use the connection.
    """
    gpus = [*Path("/dev").glob("nvidia[0-9]*"), *Path("/dev").glob("kfd"), *Path("/dev").glob("dxg")]
    return sys.platform == "linux" and not gpus


def start_process(
    server: ForkServer | None,
    words: Sequence[str],
    *,
    stdin: Stream = subprocess.DEVNULL,
    stdout: Stream = subprocess.DEVNULL,
    stderr: Stream = subprocess.DEVNULL,
    directory: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> "subprocess.Popen | ForkedProcess":
    """Starts a Python process in a session of its own, so that a signal from the terminal does not reach it.

    Args:
        server (`ForkServer`, *optional*): starts it, if it can. Its environment must be that of the process.
        words (`Sequence[str]`): the arguments of the Python interpreter.
        stdin, stdout, stderr (`int` or `IO[bytes]`, *optional*): as for `subprocess.Popen`. By default `DEVNULL`.
        directory (`str`, *optional*): the working directory; by default that of this process.
        environment (`Mapping[str, str]`, *optional*): additional environment variables.
    """
    directory, environment = directory or os.getcwd(), environment or {}
    if server is not None:
        with ExitStack() as child_side:
            ends = [
                _ends(stdin, child_side, writes=True),
                *(_ends(stream, child_side, writes=False) for stream in (stdout, stderr)),
            ]
            process = server.start(words, directory, environment, [theirs for theirs, _ in ends])
            if process is not None:
                process.stdin, process.stdout, process.stderr = (ours for _, ours in ends)
                return process
            for _, ours in ends:
                if ours is not None:
                    ours.close()
    return subprocess.Popen(
        [sys.executable, *words],
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        cwd=directory,
        env={**os.environ, **environment},
        start_new_session=True,
    )


def _ends(stream: Stream, child_side: ExitStack, writes: bool) -> tuple[int, IO[bytes] | None]:
    """The file descriptor of the process, and this side of a pipe."""
    if stream == subprocess.PIPE:
        read, write = os.pipe()
        theirs, ours = (read, os.fdopen(write, "wb")) if writes else (write, os.fdopen(read, "rb"))
        child_side.callback(os.close, theirs)
        return theirs, ours
    if stream == subprocess.DEVNULL:
        theirs = os.open(os.devnull, os.O_RDWR)
        child_side.callback(os.close, theirs)
        return theirs, None
    return stream if isinstance(stream, int) else stream.fileno(), None
