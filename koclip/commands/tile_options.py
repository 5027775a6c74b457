"""The command line's options for how a picture is cut into tiles."""

from __future__ import annotations

import argparse

_NAMES = ("rows", "columns", "overlap", "scales", "contrast", "dense")


def add_tile_options(parser: argparse.ArgumentParser) -> None:
    """--rows, --columns, --overlap, --scales, --contrast and --dense."""
    parser.add_argument("--rows", type=int, help="of tiles, 1 to 16")
    parser.add_argument("--columns", type=int, help="of tiles, 1 to 16")
    parser.add_argument(
        "--overlap", type=float, help="share of a tile's edge in the next tile, 0 to 0.75"
    )
    parser.add_argument(
        "--scales", type=int, help="how many grids, each a row and a column coarser"
    )
    parser.add_argument("--contrast", help='what is everywhere and should not count, as "배경"')
    parser.add_argument(
        "--dense",
        action="store_true",
        default=None,
        help="all tiles in one pass over the picture: faster (koclip-mini only)",
    )


def tile_options(args: argparse.Namespace) -> dict[str, object]:
    """Those that were given, for `koclip.text_to_patch.rank_patches`."""
    return {name: value for name in _NAMES if (value := getattr(args, name)) is not None}
