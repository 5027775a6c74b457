"""`python -m koclip evaluate`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from koclip.commands.tile_options import add_tile_options, tile_options
from koclip.errors import KoCLIPError
from koclip.terminal import print_table, show_progress

if TYPE_CHECKING:
    from koclip.evaluation.report import Report
    from koclip.model import KoCLIP


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's arguments; nothing heavy is imported for them."""
    parser.add_argument("model", help="as --model elsewhere")
    parser.add_argument(
        "dataset",
        nargs="?",
        default="flickr8k-dev-ko",
        help="flickr8k-dev-ko (default: captions are bundled, --photos names the folder), gallery "
        "(bundled), a caption file or folder, or a folder with a sub-folder for each label",
    )
    parser.add_argument("--photos", "--images", help="folder with the photographs")
    parser.add_argument("--split", help="only this part of a data set that knows splits")
    parser.add_argument("--first", type=int, help="only the first N photographs")
    parser.add_argument(
        "--squashed", action="store_true", help="the files were squashed to squares: use them whole"
    )
    parser.add_argument(
        "--template",
        action="append",
        help="sentence with {} for the label; repeat it to average several",
    )
    parser.add_argument("--ensemble", help="a named list of templates: original (default) or photo")
    parser.add_argument(
        "--loss-batch", type=int, default=64, help="pairs in a batch of the loss (default 64)"
    )
    parser.add_argument(
        "--scenes",
        nargs="?",
        const="gallery",
        metavar="PICTURES",
        help="play the pointing game too, on scenes composed of the gallery (default), of a folder "
        "with a sub-folder for each label, or of a JSONL file's pictures; of free scenes, the "
        "tiles are the page's, unless options say otherwise",
    )
    add_tile_options(parser)
    parser.add_argument(
        "--fit", action="store_true", help='measure how well "none of these fits" is told, too'
    )


def evaluate(args: argparse.Namespace, open_model: Callable[[str], KoCLIP]) -> None:
    """Measures and prints.

    Raises:
        KoCLIPError: whatever is wrong with the arguments, the model or the data set.
    """
    from koclip import evaluation

    templates = _templates(args.template, args.ensemble)
    dataset = evaluation.open_set(
        args.dataset, images=args.photos, split=args.split, first=args.first
    )
    report = evaluation.evaluate(
        open_model(args.model),
        dataset,
        templates=templates,
        squashed=args.squashed,
        loss_batch=args.loss_batch,
        pictures=evaluation.read_pictures(args.scenes) if args.scenes else (),
        tiles=tile_options(args),
        fit=args.fit,
        progress=show_progress,
    )
    if args.json:
        print(json.dumps(report.to_json(), ensure_ascii=False, indent=2))
    else:
        _print(report)


def _templates(templates: list[str] | None, ensemble: str | None) -> list[str]:
    from koclip.evaluation import ENSEMBLES
    from koclip.image_to_text import parse_templates

    if ensemble is not None and ensemble not in ENSEMBLES:
        known = ", ".join(ENSEMBLES)
        raise KoCLIPError("evaluation_unknown_ensemble", name=ensemble, known=known)
    if templates is None:
        return list(ENSEMBLES[ensemble or "original"])
    return parse_templates([*templates, *(ENSEMBLES[ensemble] if ensemble else ())])


def _print(report: Report) -> None:
    print(f"{report.model} ({report.revision or 'no revision'}) on {report.dataset}")
    if report.captions:
        print(f"retrieval among {report.images} images and {report.captions} captions")
    if report.labelled:
        print(
            f"labels known of {report.labelled} images, templates: {' | '.join(report.templates)}"
        )
    print()
    print_table(
        [
            {
                "figure": figure.name,
                "value": figure.value,
                "95 % interval": f"{figure.low:.4f}–{figure.high:.4f}",
                "chance": figure.chance,
                "n": figure.n,
            }
            for figure in report.figures
        ]
    )
    if report.reliability:
        print("\nreliability of the first label's probability")
        print_table(
            [
                {
                    "probability": f"{row.low:.3f}–{row.high:.3f}",
                    "n": row.n,
                    "confidence": row.confidence,
                    "accuracy": row.accuracy,
                }
                for row in report.reliability
            ]
        )
