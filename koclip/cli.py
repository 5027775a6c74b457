"""`python -m koclip`: the three demos, and what builds and measures, on the command line."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from koclip import __version__
from koclip.commands import (
    benchmark,
    data,
    deploy,
    evaluate,
    index,
    pull,
    push,
    qdrant,
    search,
    train,
)
from koclip.commands.tile_options import add_tile_options, tile_options
from koclip.errors import KoCLIPError, translate
from koclip.files import is_folder
from koclip.terminal import (
    complain,
    print_rows,
    show_progress,
    terminal_language,
    write_any_text,
)

if TYPE_CHECKING:
    from koclip.model import KoCLIP


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns 0, 2 after saying what was wrong on standard error, or 1 if `index`
    left out pictures that could not be read."""
    write_any_text()
    args = _parser().parse_args(arguments)
    try:
        return args.run(args) or 0
    except KoCLIPError as error:
        complain(error.localized(terminal_language()))
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="koclip", description="Korean CLIP: Korean text and images in one embedding space."
    )
    parser.add_argument("--version", action="version", version=f"koclip {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable, help: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help, description=help)
        sub.set_defaults(run=run)
        sub.add_argument("--json", action="store_true", help="print the result as JSON")
        return sub

    def model_option(sub: argparse.ArgumentParser) -> None:
        sub.add_argument(
            "--model",
            default="koclip-mini",
            help="koclip-mini, koclip-base, koclip-large, koclip-base-pt, a folder or a Hub id",
        )
        sub.add_argument(
            "--precision",
            default="auto",
            help="what the model computes in: auto, float32, int8 or bfloat16 (default: the "
            "fastest here that gives the same embeddings)",
        )

    sub = command("classify", _classify, "how likely each Korean label is for an image")
    sub.add_argument("image", help="path of a picture")
    sub.add_argument(
        "labels",
        nargs="*",
        help="labels, as words or separated by commas; without any, the best of a large vocabulary",
    )
    sub.add_argument(
        "--set", help="a ready label set: animals, food, vehicles, places, moods or everyday"
    )
    sub.add_argument(
        "-k", type=int, help="how many labels to show (default: all of your own, 10 of others)"
    )
    sub.add_argument(
        "--template",
        action="append",
        help="sentence with {} for each of the labels; repeat it to average several",
    )
    sub.add_argument("--no-softmax", action="store_true", help="cosines only, no probabilities")
    model_option(sub)

    sub = command("search", _search, "the images of a database that fit a query best")
    search.add_options(sub)
    model_option(sub)
    sub.set_defaults(model=None)  # that of the database

    about = "the parts of an image that fit a query best (of 3 × 3 if nothing else is said)"
    sub = command("patches", _patches, about)
    sub.add_argument("image", help="path of a picture")
    sub.add_argument("query", nargs="+", help="what to look for; several as words or with commas")
    add_tile_options(sub)
    model_option(sub)

    sub = command("index", _index, "make pictures searchable: build or update an image database")
    index.add_options(sub)
    model_option(sub)

    sub = command("train", _train, "train a model on captioned pictures")
    train.add_options(sub)

    sub = command("data", _data, "put together what a model is trained on")
    data.add_options(sub)

    sub = command("evaluate", _evaluate, "measure a model on captioned or labelled photographs")
    evaluate.add_options(sub)

    sub = command("benchmark", _benchmark, "measure speed, beside other engines")
    benchmark.add_options(sub)

    sub = command("push", _push, "upload a model or an image database to the Hugging Face Hub")
    push.add_options(sub)

    sub = command("pull", _pull, "download an image database from the Hugging Face Hub")
    pull.add_options(sub)

    sub = command("qdrant", _qdrant, "copy an image database to Qdrant, a vector database")
    qdrant.add_options(sub)
    model_option(sub)
    sub.set_defaults(model=None)  # that of the database

    sub = command("deploy", _deploy, "upload the Space to the Hugging Face Hub")
    deploy.add_options(sub)
    return parser


def _classify(args: argparse.Namespace) -> None:
    from koclip.checks import result_count
    from koclip.image_to_text import DEFAULT_TEMPLATE
    from koclip.label_fit import BACKGROUND
    from koclip.label_sets import label_set
    from koclip.open_vocabulary import OpenVocabulary

    ready = label_set(args.set) if args.set else ()
    labels = [*args.labels, *(label.ko for label in ready)]
    shown = None if args.k is None else result_count(args.k)
    model = _open(args.model, args.precision)
    if labels:
        template = DEFAULT_TEMPLATE if args.template is None else args.template
        scores = model.classify(args.image, ",".join(labels), template, not args.no_softmax)
    else:
        vocabulary = OpenVocabulary.of(model, show_progress)
        scores = vocabulary.name(args.image, len(vocabulary.words), not args.no_softmax)
    shown = shown or (len(scores) if args.labels else 10)
    print_rows([score._asdict() for score in scores[:shown]], args.json)
    if args.json:
        return
    background = OpenVocabulary.of(model, words=BACKGROUND) if labels else vocabulary
    if not background.fits(args.image, scores):
        complain(translate("label_none_fits", terminal_language()))


def _search(args: argparse.Namespace) -> None:
    print_rows(search.search(args, _open), args.json)


def _patches(args: argparse.Namespace) -> None:
    queries = ",".join(args.query)
    scores = _open(args.model, args.precision).rank_patches(
        args.image, queries, **tile_options(args)
    )
    print_rows([score._asdict() for score in scores], args.json)


def _index(args: argparse.Namespace) -> int:
    rows, code = index.index(args, _open)
    print_rows(rows, args.json)
    return code


def _train(args: argparse.Namespace) -> None:
    from koclip.compilation import use_compilation_cache

    def show(error: KoCLIPError) -> None:
        complain(error.localized(terminal_language()))

    use_compilation_cache()
    if rows := train.train(args, show):
        print_rows(rows, args.json)


def _data(args: argparse.Namespace) -> None:
    print_rows(data.assemble(args), args.json)


def _evaluate(args: argparse.Namespace) -> None:
    evaluate.evaluate(args, _open)


def _benchmark(args: argparse.Namespace) -> None:
    benchmark.benchmark(args)


def _push(args: argparse.Namespace) -> None:
    print_rows(push.push(args, _model_source(args.model)), args.json)


def _pull(args: argparse.Namespace) -> None:
    print_rows(pull.pull(args), args.json)


def _qdrant(args: argparse.Namespace) -> None:
    print_rows(qdrant.copy(args, _open), args.json)


def _deploy(args: argparse.Namespace) -> None:
    print_rows(deploy.deploy(args), args.json)


def _open(name: str, precision: str = "auto") -> KoCLIP:
    from koclip.compilation import use_compilation_cache
    from koclip.images import hush_decoders
    from koclip.model import KoCLIP

    hush_decoders()
    use_compilation_cache()
    return KoCLIP.from_pretrained(_model_source(name), precision=precision)


def _model_source(name: str) -> str | Path:
    """A path typed in a shell is a folder even without "./" before it."""
    return Path(name) if os.sep in name and is_folder(name) else name
