"""A PostgreSQL server for tests: Debian's program, in a folder of its own, reached by a socket that nobody else sees."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

_numbers = itertools.count()


def programs() -> Path | None:
    """The folder of `initdb` and `postgres`, the newest there is; `None` without one."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    return found[-1].parent if found else None


def _user() -> Mapping[str, Any]:
    """The server refuses to run as root; another user must own its folder then."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            who = pwd.getpwnam(name)
            return {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}
    return {}


@contextmanager
def server(durable: bool = False) -> Iterator[str]:
    """A running server's address. Unless `durable` it does not sync: a test's data may be lost when the computer does."""
    bin_folder = programs()
    assert bin_folder is not None
    user = _user()
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # a socket's path has at most 107 bytes
    if user:
        os.chown(folder, user["user"], user["group"])
    data = folder / "data"
    make = [bin_folder / "initdb", "-D", data, "-U", "tests", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
    options = {
        "fsync": "on" if durable else "off",
        "listen_addresses": "",
        "unix_socket_directories": str(folder),
        "max_connections": "60",
    }
    settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    try:
        subprocess.run(make, check=True, capture_output=True, cwd=folder, **user)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [bin_folder / "postgres", "-D", data, *settings], stdout=log, stderr=log, cwd=folder, **user
            )
        try:
            url = f"postgresql://tests@/postgres?host={quote(str(folder))}"
            _wait(url, folder / "log")
            yield url
        finally:
            # Not SIGTERM, which waits for every connection to be closed.
            process.send_signal(signal.SIGINT)
            process.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(url: str, log: Path) -> None:
    import psycopg

    for _ in range(200):
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"PostgreSQL does not start: {log.read_text()[-500:]}")


def fresh(url: str) -> str:
    """The address of an empty schema of its own on the server."""
    import psycopg

    name = f"test{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(url) as connection:
        connection.execute(f"CREATE SCHEMA {name}".encode())
    return f"{url}&options={quote(f'-csearch_path={name}')}"
