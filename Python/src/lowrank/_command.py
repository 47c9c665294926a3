"""The command `lowrank`, which the wheel brings beside the module."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> None:
    """Becomes the command."""
    command = Path(__file__).parent / "bin" / "lowrank"
    os.execv(command, ["lowrank", *sys.argv[1:]])
