"""Servers that a test starts for itself."""

import subprocess
from types import TracebackType
from typing import Self

STOP_SECONDS_MAX = 30.0


class PrivateServer:
    """Servers that `with` starts, and closes on exit or when the start fails."""

    def start(self) -> None:
        """Start what is not running."""
        raise NotImplementedError

    def close(self) -> None:
        """Stop everything and remove its files."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def end_process(process: "subprocess.Popen[bytes] | None") -> None:
    """SIGTERM; SIGKILL after `STOP_SECONDS_MAX`. Returns when the process has ended."""
    if process is None:
        return
    process.terminate()
    try:
        process.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOP_SECONDS_MAX)
