"""Damaged and hostile files of models and databases → opened and used, or refused by name."""

from __future__ import annotations

import io
import json
import random
import shutil
import stat
import warnings
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from koclip import ImageDatabase, KoCLIP
from koclip.assets import assets_dir
from koclip.database.sources import list_candidates
from koclip.errors import KoCLIPError
from koclip.images import open_image
from koclip.photo_files import list_photo_files
from koclip.similarity import unit_rows
from koclip.tokenizer import TextTokenizer
from tests.crash import StandIn, build_here, make_pictures
from tests.fuzz.bombs import encoded
from tests.fuzz.kinds import Kind, check_message
from tests.fuzz.mutation import changed_json, damaged

_ORACLE = Path(__file__).parent.parent / "oracle"


class _Case(NamedTuple):
    """One file of a folder, and what opens the folder."""

    folder: Path
    file: str
    use: Callable[[Path], None]
    change: Callable[[random.Random, bytes], bytes] = damaged


class Files(Kind):
    """The first byte of an input says which file it is, the others are its content."""

    name = "files"
    may_write = True  # Rust tells of its panics

    def __init__(self, place: Path) -> None:
        models = place / "models"
        shutil.copytree(_ORACLE / "flax/tiny-base", models / "flax")
        shutil.copytree(_ORACLE / "pt/tiny-base-safetensors", models / "safetensors")
        shutil.copytree(_ORACLE / "pt/tiny-base-bin430", models / "torch")
        mini = assets_dir() / "koclip-mini"
        shutil.copy(mini / "preprocessor_config.json", models / "safetensors")
        _write_tokenizer(models / "tokenizer", mini)
        database = _make_database(place)
        others = _write_others(place / "others", database)
        self._cases = [
            _Case(models / "flax", "config.json", _open_model, _json_or_bytes),
            _Case(models / "flax", "flax_model.msgpack", _open_model),
            _Case(models / "safetensors", "config.json", _open_model, _json_or_bytes),
            _Case(models / "safetensors", "preprocessor_config.json", _open_model, _json_or_bytes),
            _Case(models / "safetensors", "model.safetensors", _open_model, _header_or_bytes),
            _Case(models / "torch", "pytorch_model.bin", _open_model, _member_or_bytes),
            _Case(models / "tokenizer", "tokenizer.json", _tokenize, _json_or_bytes),
            *(
                _Case(database, file.relative_to(database).as_posix(), _open_database, change)
                for file, change in _files_of(database)
            ),
            _Case(others, "gallery.tsv", _open_tsv),
            _Case(others, "photos.zip", _read_photos, _hostile_zip),
            _Case(others, "photos.csv", _read_table),
            _Case(others, "items.jsonl", _read_folder, _a_line_or_bytes),
        ]

    def make(self, chance: random.Random) -> bytes:
        number = chance.randrange(len(self._cases))
        case = self._cases[number]
        data = (case.folder / case.file).read_bytes()
        return bytes([number]) + case.change(chance, data)

    def use(self, data: bytes, place: Path) -> None:
        case = self._cases[data[0]]
        folder = place / "folder"
        shutil.copytree(case.folder, folder)
        (folder / case.file).write_bytes(data[1:])
        before = _contents(place)
        try:
            case.use(folder)
        finally:
            assert _contents(place) == before, "something was written"


def _contents(place: Path) -> list[tuple[Path, int]]:
    return sorted((path, path.lstat().st_size) for path in place.rglob("*"))


# What is done with them ----------------------------------------------------------------------


def _open_model(folder: Path) -> None:
    model = KoCLIP.from_pretrained(folder, precision="float32")
    pixels = model.processor.image_processor([Image.new("RGB", (40, 30))])
    assert np.isfinite(pixels).all()


def _tokenize(folder: Path) -> None:
    from koclip.config import TextConfig

    tokenizer = TextTokenizer.from_folder(folder, TextConfig(vocab_size=5000))
    ids, mask = tokenizer(["고양이 한 마리", "a \u200d😀\0", "ﾡￂ"])
    assert ids.shape == mask.shape
    assert ids.min() >= 0


def _open_database(folder: Path) -> None:
    database = ImageDatabase.open(folder)
    query = np.ones(database.store.dimension, np.float32)
    model = StandIn()
    model.embed_images = lambda images: unit_rows(query)[None]
    model.embed_texts = lambda texts: np.empty((0, len(query)), np.float32)
    for hit in database.search(model, image=unit_rows(query), k=3):
        assert np.isfinite(hit.score)
        small = database.thumbnail(hit.row)
        assert small is None or len(small) < 1_000_000
        database.location(hit.item)
    database.verify()


def _open_tsv(folder: Path) -> None:
    database = ImageDatabase.open(folder / "gallery.tsv")
    assert np.isfinite(database.embeddings).all()
    assert len(database) == len(database.embeddings)


def _read_photos(folder: Path) -> None:
    with ExitStack() as archives:
        files, broken = list_photo_files([folder / "photos.zip"], archives)
        for _, error in broken:
            check_message(error)
        for file in files:
            _read(file.read)


def _read_table(folder: Path) -> None:
    _read_sources(folder / "photos.csv")


def _read_folder(folder: Path) -> None:
    _read_sources(folder)


def _read_sources(source: Path) -> None:
    with ExitStack() as archives:
        for candidate in list_candidates([source], source.parent, archives):
            _read(candidate.read)
            candidate.item.to_line().decode()


def _read(read: Callable[[], bytes | Path]) -> None:
    try:
        open_image(read())
    except KoCLIPError as error:
        check_message(error)


# Sound ones ----------------------------------------------------------------------------------


def _write_tokenizer(folder: Path, mini: Path) -> None:
    """koclip-mini's with few words: the whole one takes long to read."""
    tokenizer = json.loads((mini / "tokenizer.json").read_text(encoding="utf-8"))
    tokenizer["model"]["vocab"] = tokenizer["model"]["vocab"][:1000]
    folder.mkdir()
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")


def _make_database(place: Path) -> Path:
    make_pictures(place / "pictures", 40)
    build_here(place / "pictures", place / "database")
    return place / "database"


def _files_of(database: Path) -> list[tuple[Path, Callable[[random.Random, bytes], bytes]]]:
    segment = min((database / "segments").iterdir())
    return [
        (database / "database.json", _json_or_bytes),
        (segment / "embeddings.safetensors", _header_or_bytes),
        (segment / "items.jsonl", _a_line_or_bytes),
        (segment / "thumbnails.zip", damaged),
    ]


def _write_others(folder: Path, database: Path) -> Path:
    folder.mkdir()
    ImageDatabase.open(database).export(folder / "gallery.tsv")
    picture = encoded(Image.new("RGB", (9, 9), "red"), "PNG")
    (folder / "a.png").write_bytes(picture)
    with zipfile.ZipFile(folder / "photos.zip", "w") as archive:
        for name in ("a.png", "b/가.png"):
            archive.writestr(name, picture)
    table = "file,caption,license\na.png,빨강,CC0-1.0\nhttp://a.b/c.png,x,\n../b.png,=1+1,y\n"
    (folder / "photos.csv").write_text(table, encoding="utf-8")
    lines = ({"id": "1", "file": "a.png"}, {"id": "2", "file": "../b.png", "extra": {"n": 1}})
    (folder / "items.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


# Damage that keeps the container sound -------------------------------------------------------


def _json_or_bytes(chance: random.Random, data: bytes) -> bytes:
    return changed_json(chance, data) if chance.random() < 0.7 else damaged(chance, data)


def _a_line_or_bytes(chance: random.Random, data: bytes) -> bytes:
    if chance.random() < 0.3:
        return damaged(chance, data)
    lines = data.splitlines(keepends=True)
    at = chance.randrange(len(lines))
    lines[at] = changed_json(chance, lines[at]) + b"\n"
    return b"".join(lines)


def _header_or_bytes(chance: random.Random, data: bytes) -> bytes:
    """safetensors with another header, which may even fit."""
    if chance.random() < 0.3:
        return damaged(chance, data)
    size = int.from_bytes(data[:8], "little")
    header = changed_json(chance, data[8 : 8 + size])
    return len(header).to_bytes(8, "little") + header + data[8 + size :]


def _member_or_bytes(chance: random.Random, data: bytes) -> bytes:
    """A PyTorch archive with another pickle in it, of the right checksum."""
    if chance.random() < 0.3:
        return damaged(chance, data)
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(made, "w") as changed:
        for name in archive.namelist():
            content = archive.read(name)
            is_pickle = name.endswith("data.pkl")
            changed.writestr(name, damaged(chance, content) if is_pickle else content)
    return made.getvalue()


def _hostile_zip(chance: random.Random, data: bytes) -> bytes:
    """Members with names that lead elsewhere, links, bombs, archives in archives, equal names."""
    if chance.random() < 0.5:
        return damaged(chance, data)
    picture = encoded(Image.new("RGB", (5, 5)), "PNG")
    names = ["../../x.png", "/etc/x.png", "C:\\x.png", "a.png", "a.png", "x.zip", "가\0.png"]
    names += ["\u202egnp.exe.png", "é" * 100 + ".png", ".png", "//.png", "con.png", "a/./b.png"]
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of equal names
        for _ in range(chance.randint(1, 6)):
            member = zipfile.ZipInfo(chance.choice(names))
            if chance.random() < 0.2:
                member.external_attr = (stat.S_IFLNK | 0o777) << 16
            member.compress_type = chance.choice((0, 8, 8, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
            content = bytes(30_000_000) if chance.random() < 0.02 else picture
            archive.writestr(member, content)
    whole = made.getvalue()
    return damaged(chance, whole) if chance.random() < 0.5 else whole
