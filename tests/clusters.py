"""A private PostgreSQL: made in a folder of its own, reached by a socket there, ended by its own process id."""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# Nothing needs to survive a power cut here. The time zone is one that a mistake would show in.
_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "max_connections": "200",
    "fsync": "off",
    "full_page_writes": "off",
    "timezone": "Asia/Shanghai",
}


def binaries() -> Path | None:
    """The folder of the server's programs: in the path, or where Debian puts them, the newest."""
    found = shutil.which("pg_ctl")
    if found:
        return Path(found).parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: float(path.parts[-3]))
    return installed[-1].parent if installed else None


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster in `folder`, which also holds its socket."""

    folder: Path

    def url(self, database: str = "postgres") -> str:
        """Where a database of it is."""
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def make(self) -> None:
        """Fill the folder."""
        self._run("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")

    def start(self, **settings: str) -> None:
        """Start it, and return once it answers."""
        given = {**_SETTINGS, "unix_socket_directories": str(self.folder), **settings}
        options = " ".join(f"-c {name}='{value}'" for name, value in given.items())
        self._run("pg_ctl", "start", "--wait", f"--log={self.folder / 'log'}", f"--options={options}")

    def restart(self, mode: str) -> None:
        """Start it anew with the same settings; `immediate` is as if it had crashed."""
        self._run("pg_ctl", "restart", "--wait", f"--mode={mode}", f"--log={self.folder / 'log'}")

    def stop(self) -> None:
        """End it, and take its folder away."""
        note = self.folder / "data" / "postmaster.pid"
        if note.exists():
            os.kill(int(note.read_text().split()[0]), signal.SIGINT)
        end = time.monotonic() + 20
        while note.exists() and time.monotonic() < end:
            time.sleep(0.05)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        folder = binaries()
        assert folder is not None
        # The server refuses to run as root.
        user = pwd.getpwuid(self.folder.stat().st_uid)
        other = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if os.getuid() == 0 else {}
        subprocess.run(
            [folder / program, f"--pgdata={self.folder / 'data'}", *arguments],
            cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=60, check=True, **other,
        )  # fmt: skip


def new_cluster(owner: int, **settings: str) -> Cluster:
    """One that runs, and that ends when the process `owner` has ended, however that ends."""
    folder = Path(tempfile.mkdtemp(prefix="qiao-postgres-"))
    if os.getuid() == 0:
        names = {entry.pw_name for entry in pwd.getpwall()}
        user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
        os.chown(folder, user.pw_uid, user.pw_gid)
    cluster = Cluster(folder)
    # Nobody's child, in a session of its own: whoever is killed, with all its family, leaves no server behind.
    subprocess.run(
        ["sh", "-c", '"$@" &', "sh", sys.executable, "-m", "tests.clusters", str(owner), str(folder)],
        cwd=Path(__file__).parents[1], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True, check=True,
    )  # fmt: skip
    cluster.make()
    cluster.start(**settings)
    return cluster


@contextmanager
def _locked(root: Path) -> Iterator[Path]:
    with (root / "postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield root / "postgres"


def shared_cluster(root: Path, owner: int) -> Cluster:
    """The one that all processes of a test session share, whose folder is `root`; the first one starts it."""
    with _locked(root) as note:
        if not note.exists():
            note.write_text(str(new_cluster(owner).folder))
        return Cluster(Path(note.read_text()))


def _watch(owner: int, cluster: Cluster) -> None:
    """Wait for the owner's end, and end the cluster unless it has been already."""
    while Path(f"/proc/{owner}").exists() and cluster.folder.exists():
        time.sleep(0.5)
    cluster.stop()


if __name__ == "__main__":
    _watch(int(sys.argv[1]), Cluster(Path(sys.argv[2])))
