"""Runs Python scripts in processes of their own, with the project to import from."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import search

PROJECT = Path(search.__file__).parents[1]

StartScript = Callable[..., subprocess.Popen[str]]
"""Starts a script with these arguments; what it prints can be read line by line."""


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    """The process that runs it, with pipes to and from it."""
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def printed(script: str, *arguments: object) -> list[str]:
    """The lines that it prints until it ends."""
    return start(script, *arguments).communicate()[0].splitlines()
