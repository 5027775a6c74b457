"""Caption files as text → records, before anybody looks for the pictures."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from koclip.errors import KoCLIPError

FILE_KEYS = ("file", "file_path", "file_name", "image")
KOREAN_KEYS = ("captions_ko", "caption_ko")
CAPTION_KEYS = (*KOREAN_KEYS, "captions", "caption", "text", "captions_en", "caption_en")
"""In the order in which the captions of a picture are kept: Korean first, English last."""

_SPLITS = {"training": "train", "val": "dev", "valid": "dev", "validation": "dev"}
_FOLDERS = {
    f"{name}{year}": split
    for name, split in (("train", "train"), ("val", "dev"), ("test", "test"))
    for year in (2014, 2017)
}


class CaptionRecord(NamedTuple):
    """What a caption file says of one picture."""

    file: str
    captions: tuple[str, ...]
    source: str = ""
    license: str = ""
    split: str = ""


def split_name(name: str) -> str:
    """ "train", "dev" or "test" for the usual spellings; any other name as it is."""
    name = name.strip().lower()
    return _SPLITS.get(name, name)


def read_records(path: Path) -> list[CaptionRecord]:
    """The records of a JSON list, JSON lines, CSV or TSV file, one for each picture.

    JSON may be the list that AI Hub publishes (`MSCOCO_train_val_Korean.json`): of its captions
    the Korean ones are taken. Lines and rows of the same picture become one record.

    Raises:
        KoCLIPError: the file is not there, or a line or entry is not as it should be.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")  # Excel marks UTF-8 at the start
    except OSError as error:
        raise KoCLIPError("captions_unreadable", path=path, line=1, reason=error) from error
    except UnicodeDecodeError as error:
        line, reason = error.object[: error.start].count(b"\n") + 1, "not UTF-8"
        raise KoCLIPError("captions_unreadable", path=path, line=line, reason=reason) from error
    if path.suffix.lower() in (".csv", ".tsv"):
        records = _read_table(path, text)
    elif text.lstrip().startswith("["):
        records = _read_list(path, text)
    else:
        records = _read_lines(path, text)
    if not records:
        raise KoCLIPError("captions_unreadable", path=path, line=1, reason="no entries")
    return _by_file(records)


def captions_of(raw: Mapping[str, Any], keys: Iterable[str] = CAPTION_KEYS) -> tuple[str, ...]:
    """The captions under `keys` of `raw`, in the order of `keys`, without empty ones.

    Raises:
        ValueError: there are none, or they are no text.
    """
    captions = []
    for key in keys:
        value = raw.get(key)
        for caption in value if isinstance(value, (list, tuple)) else [value]:
            if caption is None:
                continue
            if not isinstance(caption, str):
                raise ValueError(f"{key} is neither text nor a list of texts")
            captions += [caption.strip()] if caption.strip() else []
    if not captions:
        raise ValueError(f"no caption under any of {', '.join(keys)}")
    return tuple(captions)


def _read_table(path: Path, text: str) -> list[CaptionRecord]:
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        return [_record(row) for row in reader]
    except (ValueError, csv.Error) as error:
        line = max(reader.line_num, 1)
        raise KoCLIPError("captions_unreadable", path=path, line=line, reason=error) from error


def _read_lines(path: Path, text: str) -> list[CaptionRecord]:
    records = []
    # Not splitlines: captions may hold other line separators than "\n".
    for number, line in enumerate(text.split("\n"), start=1):
        try:
            records += [_record(json.loads(line))] if line.strip() else []
        except (ValueError, RecursionError) as error:
            raise KoCLIPError(
                "captions_unreadable", path=path, line=number, reason=error
            ) from error
    return records


def _read_list(path: Path, text: str) -> list[CaptionRecord]:
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        raise KoCLIPError("captions_unreadable", path=path, line=line, reason=error) from error
    records = []
    for number, entry in enumerate(entries, start=1):
        try:
            records.append(_record(entry, in_list=True))
        except ValueError as error:
            raise KoCLIPError(
                "captions_bad_entry", path=path, entry=number, reason=error
            ) from error
    return records


def _record(raw: Any, in_list: bool = False) -> CaptionRecord:
    if not isinstance(raw, dict):
        raise ValueError("not an object")
    file = next((raw[key] for key in FILE_KEYS if raw.get(key)), None)
    if not isinstance(file, str):
        raise ValueError(f"no file name under any of {', '.join(FILE_KEYS)}")
    # AI Hub's list has English under "captions", which the Korean ones translate.
    is_ai_hub = in_list and "file_path" in raw and "caption_ko" in raw
    captions = captions_of(raw, KOREAN_KEYS if is_ai_hub else CAPTION_KEYS)
    source, license, split = (raw.get(key) or "" for key in ("source", "license", "split"))
    if not all(isinstance(value, str) for value in (source, license, split)):
        raise ValueError("source, license and split must be text")
    return CaptionRecord(file, captions, source, license, split_name(split) or _folder_split(file))


def _folder_split(file: str) -> str:
    """The split that MSCOCO's own folders tell: train2014/…, val2014/…"""
    folders = file.split("/")[-2::-1]  # the innermost first
    return next((_FOLDERS[name] for name in folders if name in _FOLDERS), "")


def _by_file(records: list[CaptionRecord]) -> list[CaptionRecord]:
    grouped: dict[str, CaptionRecord] = {}
    for record in records:
        first = grouped.get(record.file)
        grouped[record.file] = (
            first._replace(captions=first.captions + record.captions) if first else record
        )
    return list(grouped.values())
