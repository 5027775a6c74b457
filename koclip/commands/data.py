"""`python -m koclip data`: its options, and what it prints."""

from __future__ import annotations

import argparse
from pathlib import Path

from koclip.terminal import Row


def add_options(parser: argparse.ArgumentParser) -> None:
    """What `data` reads."""
    parser.add_argument("model", choices=["koclip-mini"], help="whose data; only koclip-mini's")
    parser.add_argument(
        "--flickr8k",
        required=True,
        metavar="FOLDER",
        help="Flickr8k as published, or captions.jsonl with images/",
    )
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help="for the manifest")
    parser.add_argument(
        "--korean", metavar="FILE", help="Korean captions of Flickr8k; default: the bundled ones"
    )
    parser.add_argument(
        "--stamps", metavar="FOLDER", help="Debian's tuxpaint-stamps-default, unpacked"
    )
    parser.add_argument(
        "--emoji",
        nargs=2,
        metavar=("FOLDER", "NAMES"),
        help="pictures of npm's @lobehub/fluent-emoji-3d, and Korean annotations.json of "
        "cldr-annotations-full",
    )
    parser.add_argument(
        "--also",
        action="append",
        default=[],
        metavar="CAPTIONS",
        help="more captioned pictures, a file or folder; repeat it for several",
    )
    parser.add_argument(
        "--train-on-gallery",
        action="store_true",
        help="split the bundled gallery like the rest, instead of holding it out",
    )


def assemble(args: argparse.Namespace) -> list[Row]:
    """Writes the manifest; the rows to print."""
    from koclip.assets import assets_dir
    from koclip.training import mini_sources
    from koclip.training.manifest import write_manifest

    bundled = assets_dir() / "koclip-mini" / "captions_ko.jsonl"
    korean = Path(args.korean) if args.korean else bundled if bundled.is_file() else None
    sources = [
        mini_sources.flickr8k(Path(args.flickr8k), korean),
        mini_sources.gallery(args.train_on_gallery),
    ]
    if args.stamps:
        sources.append(mini_sources.stamps(Path(args.stamps)))
    if args.emoji:
        sources.append(mini_sources.emoji(*map(Path, args.emoji)))
    sources += [mini_sources.captioned(path) for path in args.also]
    return [count._asdict() for count in write_manifest(sources, Path(args.output))]
