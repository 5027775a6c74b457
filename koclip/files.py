"""Writing files."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Writes a file so that it is there complete or not at all, whatever interrupts."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        temporary = Path(file.name)
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            temporary.chmod(0o644)  # a temporary file is private, a model is not
            temporary.replace(path)
        except BaseException:
            temporary.unlink()
            raise
