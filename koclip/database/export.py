"""A database in other forms: the original's TSV, Parquet, and `datasets`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from koclip.database.items import ImageItem
from koclip.errors import KoCLIPError

if TYPE_CHECKING:
    from koclip.database.image_database import ImageDatabase

_ROWS = 4096  # that are in memory at once


def export(database: ImageDatabase, path: Path) -> None:
    """Writes `path`, by its suffix: .tsv as the original's, .parquet, or without one a folder that
    `datasets.load_from_disk` opens.

    The TSV has an image's file and its row; the others have all of an item's fields, the columns of
    `extra` as JSON, and its row as the column "embedding".

    Raises:
        KoCLIPError: no such form, something is there, a library is missing, or the disk is full.
    """
    writers = {".tsv": _write_tsv, ".parquet": _write_parquet, "": _write_dataset}
    if path.suffix.lower() not in writers:
        raise KoCLIPError("export_unknown_form", path=path)
    if path.exists():
        raise KoCLIPError("export_exists", path=path)
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".koclip-export-") as folder:
            written = Path(folder) / path.name
            writers[path.suffix.lower()](database, written)
            written.replace(path)
    except ImportError as error:
        library = "pyarrow" if path.suffix else "datasets"
        raise KoCLIPError("export_library_missing", path=path, library=library) from error
    except OSError as error:
        raise KoCLIPError("file_unwritable", path=path, reason=error.strerror) from error


def _parts(database: ImageDatabase) -> Iterator[tuple[list[ImageItem], np.ndarray]]:
    for start in range(0, len(database), _ROWS):
        numbers = np.arange(start, min(start + _ROWS, len(database)))
        rows = database.store.rows_at(numbers).astype(np.float32)
        yield database.items[start : start + _ROWS], rows


def _write_tsv(database: ImageDatabase, path: Path) -> None:
    from koclip.database.tsv import COCO_IMAGES

    with path.open("w", encoding="utf-8", errors="surrogateescape") as file:
        for items, rows in _parts(database):
            for item, row in zip(items, rows, strict=True):
                name = " ".join(item.file.removeprefix(COCO_IMAGES).split())
                file.write(f"{name}\t{','.join(map(str, row.tolist()))}\n")


def _write_parquet(database: ImageDatabase, path: Path) -> None:
    import json

    import pyarrow
    from pyarrow import parquet

    kinds = {"str": pyarrow.string(), "int": pyarrow.int64()}
    columns = {f.name: kinds.get(f.type, pyarrow.string()) for f in fields(ImageItem)}
    row = pyarrow.list_(pyarrow.float32(), database.store.dimension)
    about = {"koclip.model": database.model, "koclip.revision": database.revision}
    schema = pyarrow.schema([*columns.items(), ("embedding", row)], metadata=about)
    with parquet.ParquetWriter(path, schema) as writer:
        for items, rows in _parts(database):
            values = {name: [getattr(item, name) for item in items] for name in columns}
            values["extra"] = [json.dumps(dict(v), ensure_ascii=False) for v in values["extra"]]
            values["embedding"] = pyarrow.FixedSizeListArray.from_arrays(
                pyarrow.array(rows.ravel()), database.store.dimension
            )
            writer.write_table(pyarrow.table(values, schema))


def _write_dataset(database: ImageDatabase, path: Path) -> None:
    import datasets

    with tempfile.TemporaryDirectory() as folder:
        _write_parquet(database, Path(folder) / "rows.parquet")
        rows = Path(folder) / "rows.parquet"
        opened = datasets.Dataset.from_parquet(str(rows), cache_dir=str(Path(folder) / "cache"))
        opened.save_to_disk(str(path))
