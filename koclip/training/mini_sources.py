"""Where koclip-mini's captioned pictures come from: one reader for each source."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from koclip.assets import assets_dir
from koclip.errors import KoCLIPError
from koclip.training.caption_records import read_records
from koclip.training.captions import CaptionedImage, read_captions

HELD_OUT = "held-out"
"""The split of pictures that a finished model is looked at with."""

_FLICKR8K_TOKENS = "Flickr8k.token.txt"
_FLICKR8K_SPLITS = {split: f"Flickr_8k.{split}Images.txt" for split in ("train", "dev", "test")}
_FLICKR8K_TEXTS = ("", "Flickr8k_text")
_FLICKR8K_IMAGES = (
    "images",
    "Images",
    "Flicker8k_Dataset",  # the archive's own spelling
    "Flickr8k_Dataset",
    "Flickr8k_Dataset/Flicker8k_Dataset",
    "",
)


@dataclass
class Source:
    """The pictures of one source, and those that were left out, by reason."""

    name: str
    items: list[CaptionedImage]
    left_out: dict[str, list[Path]] = field(default_factory=dict)


def flickr8k(folder: Path, korean: Path | None) -> Source:
    """Flickr8k (Hodosh, Young and Hockenmaier, JAIR 47, 2013) with its own frozen split.

    Args:
        folder: the official layout (`Flickr8k.token.txt`, `Flickr_8k.trainImages.txt`, … and a
            folder of photographs), or captions.jsonl with `file`, `split` and captions, beside
            the photographs or their folder images/.
        korean: JSON lines with `file` and `captions_ko` for any of the photographs; these come
            before the English ones.

    Raises:
        KoCLIPError: neither layout is there, or a line is not as it should be.
    """
    name = "flickr8k"
    tokens = (folder / texts / _FLICKR8K_TOKENS for texts in _FLICKR8K_TEXTS)
    if published := next((path for path in tokens if path.is_file()), None):
        items, missing = _official_flickr8k(folder, published)
    else:
        items, missing = read_captions(folder)
    left_out = {"missing": missing}
    captions_ko: dict[str, tuple[str, ...]] = {}
    if korean:
        captions_ko = {record.file: record.captions for record in read_records(korean)}
        known = {item.path.name for item in items} | {path.name for path in missing}
        left_out["no such photograph"] = [Path(f) for f in captions_ko if f not in known]
    items = [
        dataclasses.replace(
            item,
            captions=captions_ko.get(item.path.name, ()) + item.captions,
            source=name,
            license="LicenseRef-Flickr8k",  # for research and education; the authors keep theirs
        )
        for item in items
    ]
    return Source(name, items, left_out)


def gallery(train: bool) -> Source:
    """The bundled gallery: `HELD_OUT`, unless it is to be trained on."""
    items, missing = read_captions(assets_dir() / "gallery" / "items.jsonl")
    split = "" if train else HELD_OUT
    items = [dataclasses.replace(item, source="gallery", split=split) for item in items]
    return Source("gallery", items, {"missing": missing})


def stamps(folder: Path) -> Source:
    """Tux Paint's stamps, Debian's tuxpaint-stamps-default unpacked, with Korean descriptions.

    A stamp is a text file, with its description in Korean on a line `ko.utf8=`, beside a PNG. Some
    are only there as SVG, which would need a rasteriser.
    """
    name, items = "tuxpaint-stamps", []
    left_out: dict[str, list[Path]] = {"no Korean": [], "SVG": [], "missing": []}
    for text in sorted(folder.rglob("*.txt")):
        lines = text.read_text(encoding="utf-8", errors="replace").split("\n")
        korean = next((line for line in lines if line.startswith("ko.utf8=")), "")
        caption = korean.partition("=")[2].strip()
        picture = text.with_suffix(".png")
        if not caption:
            left_out["no Korean"].append(picture)
        elif picture.is_file():
            items.append(CaptionedImage(picture, (caption,), name, "GPL-2.0-or-later"))
        elif picture.with_suffix(".svg").is_file():
            left_out["SVG"].append(picture.with_suffix(".svg"))
        else:
            left_out["missing"].append(picture)
    return _checked(Source(name, items, left_out), folder)


def emoji(folder: Path, names: Path) -> Source:
    """Emoji pictures, called by their code points (1f600.webp), with CLDR's Korean names.

    Made for npm's @lobehub/fluent-emoji-3d (assets/) and cldr-annotations-full
    (annotations/ko/annotations.json). Captions: the name, and the keywords in one line.
    """
    try:
        annotations = json.loads(names.read_bytes())["annotations"]["annotations"]
        captions = {
            text.replace("\ufe0f", ""): (*entry["tts"], ", ".join(entry["default"]))
            for text, entry in annotations.items()
            if "tts" in entry and "default" in entry
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise KoCLIPError("captions_unreadable", path=names, line=1, reason=error) from error
    items, nameless = [], []
    for picture in sorted([*folder.glob("*.webp"), *folder.glob("*.png")]):
        if found := captions.get(_emoji_text(picture.stem)):
            items.append(CaptionedImage(picture, found, "fluent-emoji", "MIT"))
        else:
            nameless.append(picture)
    return _checked(Source("fluent-emoji", items, {"no Korean": nameless}), folder)


def captioned(path: str) -> Source:
    """Any captioned pictures in files, as `read_captions` reads them."""
    items, missing = read_captions(path)
    if not all(isinstance(item.path, Path) for item in items):
        raise KoCLIPError("manifest_no_files", path=path)
    name = Path(path).stem
    items = [dataclasses.replace(item, source=item.source or name) for item in items]
    return Source(name, items, {"missing": missing})


def _official_flickr8k(folder: Path, tokens: Path) -> tuple[list[CaptionedImage], list[Path]]:
    split_of: dict[str, str] = {}
    for split, name in _FLICKR8K_SPLITS.items():
        if not (path := tokens.with_name(name)).is_file():
            raise KoCLIPError("flickr8k_incomplete", folder=folder, file=name)
        split_of |= dict.fromkeys(path.read_text(encoding="utf-8", errors="replace").split(), split)
    captions: dict[str, list[str]] = {}
    lines = tokens.read_text(encoding="utf-8", errors="replace").split("\n")
    for number, line in enumerate(lines, start=1):
        token, tab, caption = line.partition("\t")
        if line.strip() and not (tab and caption.strip()):
            reason = "neither a photograph#number nor a caption after a tab"
            raise KoCLIPError("captions_unreadable", path=tokens, line=number, reason=reason)
        if tab:
            captions.setdefault(token.partition("#")[0], []).append(caption.strip())
    photos = Counter(
        images
        for file in captions
        for images in _FLICKR8K_IMAGES
        if (folder / images / file).is_file()
    )
    if not photos:
        first = next(iter(captions), "")
        raise KoCLIPError("captions_no_images", path=tokens, count=len(captions), first=first)
    root = folder / photos.most_common(1)[0][0]
    items, missing = [], []
    for file, texts in captions.items():
        if (root / file).is_file():
            split = split_of.get(file, "unused")
            items.append(CaptionedImage(root / file, tuple(texts), split=split))
        else:
            missing.append(root / file)
    return items, missing


def _emoji_text(stem: str) -> str:
    """The emoji that a file is called by, "" if it is called otherwise."""
    try:
        return "".join(chr(int(code, 16)) for code in stem.split("-")).replace("\ufe0f", "")
    except (ValueError, OverflowError):
        return ""


def _checked(source: Source, folder: Path) -> Source:
    if not folder.is_dir():
        raise KoCLIPError("folder_not_found", path=folder)
    if not source.items:
        left_out = [path for paths in source.left_out.values() for path in paths]
        first = left_out[0] if left_out else "–"
        raise KoCLIPError("captions_no_images", path=folder, count=len(left_out), first=first)
    return source
