"""Texts of every script and none → labels, templates, queries, conditions, and what is printed."""

from __future__ import annotations

import html.parser
import io
import json
import random
import re
import sys
import unicodedata
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

import numpy as np
import orjson
from PIL import Image

from koclip import ImageDatabase, KoCLIP, cli
from koclip.database import ImageItem
from koclip.errors import KoCLIPError
from koclip.open_vocabulary import OpenVocabulary
from koclip.similarity import unit_rows
from koclip.ui import answers
from koclip.ui.feedback import explained
from koclip.ui.models import Choice
from koclip.visible_text import in_utf8
from tests.fuzz.kinds import Kind, check_message

_PIECES = (
    *("고양이", "바다 위의 배", "a cat", "ㄱㅏㄴㅏ", "ﾡￂﾤ", "\u1112\u1161\u11ab\u1100\u116e\u11a8"),
    *(
        "👨\u200d👩\u200d👧\u200d👦",
        "🇰🇷",
        "e" + "\u0301" * 50,
        "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A",
        "مرحبا",
        "\u202egnp.exe\u202c",
    ),
    *(
        "\u2066\u2067x\u2069",
        "\0",
        "\x1b]0;owned\x07",
        "\x1b[2J\x1b[31m",
        "\x9b2J",
        "\r",
        "\x08" * 5,
    ),
    *("\ud800", "\udce9", "\udfff\ud800", "\ufeff", "\u200b", "\u3164", "\U000e0041", "\uffff"),
    *(" ", "\t", "\n", "\u2028", "\u3000", "\u00a0", ",", "，", "、", ";", "'", '"', "\\"),
    *(
        "{}",
        "{0}",
        "{label}",
        "{label!r}",
        "{0.__class__.__mro__}",
        "{{}}",
        "{",
        "}",
        "%s",
        "%n",
        "$x",
    ),
    *("=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "<script>alert(1)</script>", '"><img src=x>'),
    *("&lt;", "</title>", "javascript:alert(1)", "file:///etc/passwd", "http://a.b/c", "../../x"),
    *(
        "license=CC0-1.0",
        "title~산",
        "taken>=2024",
        "x" * 700,
        "가" * 5000,
        "a" * 10_001,
        "나 " * 9000,
    ),
)
_UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]")
_COLOUR = re.compile(r"\x1b\[(38;2;\d+;\d+;\d+|48;2;\d+;\d+;\d+|0)m")
_FIELDS = ("labels", "template", "query", "plus", "minus", "where", "contrast", "caption", "file")


class Texts(Kind):
    """Each through classification, search, patches, the API's answers and the command line."""

    name = "texts"
    most_memory = 1_500_000_000  # a batch of the longest texts takes 800 MB

    def __init__(self, model: KoCLIP) -> None:
        self._model = model
        picture = Image.effect_noise((32, 32), 50).convert("RGB")
        self._row = model.embed_images([picture])[0]
        self._tile = picture.resize((8, 8))
        self._rows = unit_rows(np.random.default_rng(1).normal(size=(3, len(self._row))))
        self._choice = Choice(model.name, model, [], None)

    def make(self, chance: random.Random) -> bytes:
        return json.dumps({field: _text(chance) for field in _FIELDS}).encode()

    def use(self, data: bytes, place: Path) -> None:
        texts = json.loads(data)
        for use in (self._classify, self._search, self._patches, self._compose):
            _or_refused(use, texts)
        self._print(texts, place)

    def _classify(self, texts: dict[str, str]) -> None:
        labels, template = texts["labels"], texts["template"]
        background = OpenVocabulary(self._model, (), np.empty((0, len(self._row)), np.float32))
        with mock.patch.object(OpenVocabulary, "fits", return_value=True):
            asked = (self._row, labels, template, True, "ko")
            answer = answers.label_answer(self._choice, background, *asked)
        orjson.dumps(answer)
        probabilities = [result["probability"] for result in answer["results"]]
        np.testing.assert_allclose(sum(probabilities), 1, atol=1e-4)
        for result in answer["results"]:
            assert "\n" not in result["label"]

    def _search(self, texts: dict[str, str]) -> None:
        item = ImageItem("1", "http://a/1.jpg", caption_ko=in_utf8(texts["caption"]))
        items = [item, ImageItem("2", "b"), ImageItem("3", "c")]
        database = ImageDatabase(items, self._rows, self._model.name, self._model.revision)
        asked = (texts["query"], 3, None, texts["plus"], texts["minus"])
        orjson.dumps(answers.image_answer(self._choice, database, *asked, lambda hit: ""))
        _or_refused(lambda _: database.search(self._model, "배", where=texts["where"]), texts)

    def _patches(self, texts: dict[str, str]) -> None:
        options = {"rows": 1, "columns": 1, "contrast": texts["contrast"]}
        answer = answers.patch_answer(self._choice, self._tile, texts["query"], **options)
        orjson.dumps(answer)
        assert all(np.isfinite(result["score"]) for result in answer["results"])

    def _compose(self, texts: dict[str, str]) -> None:
        """Hangul has the same answer however it is composed."""
        forms = [unicodedata.normalize(form, texts["query"]) for form in ("NFC", "NFD")]
        composed, decomposed = (self._model.embed_texts([text])[0] for text in forms)
        np.testing.assert_allclose(composed, decomposed, atol=1e-5)

    def _print(self, texts: dict[str, str], place: Path) -> None:
        """A database with such captions and names, searched on the command line."""
        caption, file = texts["caption"], texts["file"].replace("\0", "")
        captions = [in_utf8(caption), "고양이", ""]
        items = [
            ImageItem(str(i), file or "x", caption_ko=words, author=captions[0], source=file)
            for i, words in enumerate(captions)
        ]
        database = ImageDatabase(items, self._rows, self._model.name, self._model.revision)
        try:
            for name, content in database.to_files():
                (place / name).parent.mkdir(parents=True, exist_ok=True)
                (place / name).write_bytes(content)
        except UnicodeEncodeError:  # no file's name
            return
        page = place / "page.html"
        shown = self._run("search", str(place), "배", "--html", str(page))
        if shown is None:
            return
        assert not _UNSEEN.search(shown)
        _Page().feed(page.read_text(encoding="utf-8"))
        found = json.loads(self._run("search", str(place), "배", "--json"))
        assert {row["caption"] for row in found} == set(captions)
        drawn = self._run("search", str(place), "배", "--preview")
        assert not _UNSEEN.search(_COLOUR.sub("", drawn))
        query = texts["query"].replace("\0", "")
        self._run("search", str(place), f" {query}", "--plus", f" {texts['plus']}")
        path = place / "picture.png"
        self._tile.save(path)
        self._run("patches", str(path), f" {query}", "--rows", "1", "--columns", "1")

    def _run(self, *arguments: str) -> str | None:
        """What a command prints, on a terminal of UTF-8; None if it refuses."""
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in "oe")
        terminal = {"TERM": "xterm", "NO_COLOR": ""}
        with (
            mock.patch.object(cli, "_open", return_value=self._model),
            mock.patch.dict("os.environ", terminal),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            code = cli.main(arguments)
            sys.stdout.flush()
            sys.stderr.flush()
        told = err.buffer.getvalue().decode()
        assert code == 0 or (code == 2 and told.startswith("koclip: ")), told
        assert not _UNSEEN.search(told)
        return out.buffer.getvalue().decode() if code == 0 else None


def _text(chance: random.Random) -> str:
    if chance.random() < 0.005:
        return (chance.choice(_PIECES)[:99] * 1_000_000)[:1_000_000]
    count = chance.choice((0, 1, 1, 2, 3, 5, 40))
    pieces = [
        chance.choice(_PIECES) if chance.random() < 0.9 else chr(chance.randrange(0x110000))
        for _ in range(count)
    ]
    text = chance.choice(("", " ", ",")).join(pieces)
    return unicodedata.normalize(chance.choice(("NFC", "NFD")), text)


def _or_refused(use, texts: dict[str, str]) -> None:
    try:
        use(texts)
    except KoCLIPError as error:
        check_message(error)
        for language in ("ko", "en"):
            orjson.dumps(explained(error, language))


class _Page(html.parser.HTMLParser):
    """Which elements a page has, and where its links lead."""

    _KNOWN = re.compile(
        "html|head|meta|title|style|body|header|h1|p|main|figure|figcaption|b|span|a|img|div|"
        "details|summary|ul|li"
    )

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert self._KNOWN.fullmatch(tag), tag
        for name, value in attributes:
            assert not name.startswith("on"), name
            if name in ("href", "src"):
                scheme = re.match(r"\s*([a-zA-Z][a-zA-Z0-9+.-]*):", value or "")
                assert scheme is None or scheme[1] in ("http", "https", "data"), value

    handle_startendtag = handle_starttag
