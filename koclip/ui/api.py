"""The Space's API, for Python, JavaScript, curl and MCP clients; apart from the page's own events.

It is versioned semantically: a new optional parameter or field raises the minor number, anything
that breaks a caller the major one. tests/api.json holds the signatures of `API_VERSION`.
"""

from __future__ import annotations

import gradio as gr

from koclip.errors import KoCLIPError
from koclip.image_to_text import DEFAULT_TEMPLATE
from koclip.label_sets import LABEL_SETS
from koclip.limits import MAX_BATCH
from koclip.settings import MINI
from koclip.ui import answers
from koclip.ui.feedback import kindly, reporter
from koclip.ui.language import language_of
from koclip.ui.models import Choice, ModelPool
from koclip.ui.picture import PictureInput

API_VERSION = "1.2.0"
OPEN = "open"
"""The label set that stands for the whole vocabulary."""


class Api:
    """The endpoints over one pool of models."""

    def __init__(self, pool: ModelPool) -> None:
        self._pool = pool

    def image_to_text(
        self,
        image: str | None,
        labels: str = "",
        template: str = DEFAULT_TEMPLATE,
        softmax: bool = True,
        model: str = MINI,
        label_set: str = "",
        request: gr.Request = None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  (how Gradio hands it over)
    ) -> dict:
        """Zero-shot classification: how likely each Korean label is for an image.

        Args:
            image: the picture: JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF, ICO or PPM.
            labels: candidate labels, one per line or separated by commas, up to 1,000.
            template: sentence with {} where the label goes; several lines are averaged.
            softmax: true for probabilities that sum to 1, false for cosines only.
            model: koclip-mini, koclip-base or koclip-large.
            label_set: instead of labels, a ready set: animals, food, vehicles, places, moods,
                everyday; or "open" to choose from the whole Korean vocabulary.

        Returns:
            {"model", "revision", "notices", "fits", "results": [{"rank", "label", "probability",
            "cosine"}]}, best first; `fits` is false when none of the labels seems to fit the image.
        """
        language = language_of(request)
        report = reporter(progress, language)
        choice = self._pool.choose(model, language, report)
        if label_set == OPEN:
            vocabulary = self._pool.vocabulary(choice.name, report)
            return answers.name_answer(choice, vocabulary, image, language)
        labels = answers.set_labels(label_set) if label_set else labels
        background = self._pool.background(choice.name, report)
        return answers.label_answer(choice, background, image, labels, template, softmax, language)

    def text_to_image(
        self,
        query: str = "",
        count: int = 12,
        model: str = MINI,
        image: str | None = None,
        plus: str = "",
        minus: str = "",
        database: str = "",
        request: gr.Request = None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> dict:
        """Retrieval: the images of a database that fit a Korean query best.

        Args:
            query: what to look for, in Korean; may be empty if there is an image.
            count: how many images.
            model: koclip-mini, koclip-base or koclip-large.
            image: find pictures like this one.
            plus: what to add to the query, several separated by commas.
            minus: what to leave out, several separated by commas.
            database: one of the Space's that the model made, or "gallery" for the one that goes
                with the model (koclip-mini's is bundled, others' COCO val2017); empty: the first.

        Returns:
            {"model", "revision", "database", "notices", "results": [{"rank", "score", "id",
            "image", "caption_ko", "caption_en", "kind", "license", "author", "source", "title"}]},
            best first. `score` is the cosine; `image` is a URL, a path on this server, a thumbnail
            as a data: URL, or empty if there is none.
        """
        choice = self._choose(model, request, progress, database)
        address = answers.served_by(choice.database)
        return answers.image_answer(
            choice, choice.database, query, count, image, plus, minus, address
        )

    def text_to_patch(
        self,
        image: str | None,
        query: str,
        rows: int = 3,
        columns: int = 3,
        model: str = MINI,
        overlap: float = 0.0,
        scales: int = 1,
        contrast: str = "",
        dense: bool = False,
        request: gr.Request = None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> dict:
        """Localisation: which tiles of an image fit a Korean query best.

        Args:
            image: the picture: JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF, ICO or PPM.
            query: what to look for, in Korean; several queries separated by commas.
            rows: how many tiles from top to bottom, 1 to 16.
            columns: how many tiles from left to right, 1 to 16.
            model: koclip-mini, koclip-base or koclip-large.
            overlap: how much of a tile's edge the next tile shares, 0 to 0.75.
            scales: how many sizes of tiles; 1 is the plain grid, more add coarser grids.
            contrast: what is everywhere, such as 배경, and should not count.
            dense: true for all tiles in one pass over the picture, which takes koclip-mini an
                eighth of the time and gives lower cosines; the other models look at each tile.

        Returns:
            {"model", "revision", "notices", "dense", "results": [{"rank", "query", "row", "column",
            "scale", "box", "score"}]}, best first for each query. `box` is [left, top, right,
            bottom] in pixels of the upright image; `score` the cosine, less the contrast's.
        """
        language = language_of(request)
        report = reporter(progress, language)
        choice = self._pool.choose(model, language, report)
        options = {"overlap": overlap, "scales": scales, "contrast": contrast, "dense": dense}
        options |= {"rows": rows, "columns": columns, "progress": report}
        return answers.patch_answer(choice, image, query, **options)

    def image_to_text_batch(
        self,
        images: list[str] | None,
        labels: str,
        template: str = DEFAULT_TEMPLATE,
        softmax: bool = True,
        model: str = MINI,
        request: gr.Request = None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> dict:
        """Zero-shot classification of up to 64 images at once.

        Args:
            images: the pictures.
            labels: candidate labels for all of them, one per line or separated by commas.
            template: sentence with {} where the label goes; several lines are averaged.
            softmax: true for probabilities that sum to 1, false for cosines only.
            model: koclip-mini, koclip-base or koclip-large.

        Returns:
            {"model", "revision", "notices", "results": [[{"rank", "label", "probability",
            "cosine"}]]}, a list for each image, in their order.
        """
        choice = self._choose(model, request, progress)
        return answers.label_answers(choice, _batch(images), labels, template, softmax)

    def text_to_image_batch(
        self,
        queries: list[str],
        count: int = 12,
        model: str = MINI,
        database: str = "",
        request: gr.Request = None,
    ) -> dict:
        """Retrieval for up to 64 Korean queries at once.

        Args:
            queries: what to look for, in Korean.
            count: how many images for each query.
            model: koclip-mini, koclip-base or koclip-large.
            database: as of /text_to_image.

        Returns:
            {"model", "revision", "database", "notices", "results": [[…]]}, a list as
            /text_to_image gives for each query.
        """
        choice = self._choose(model, request, None, database)
        address = answers.served_by(choice.database)
        found = [
            answers.image_answer(choice, choice.database, query, count, None, "", "", address)
            for query in _batch(queries)
        ]
        return found[0] | {"results": [answer["results"] for answer in found]}

    def embed_text(self, texts: list[str], model: str = MINI, request: gr.Request = None) -> dict:
        """Unit vectors of up to 64 texts, in the same space as those of images.

        Args:
            texts: Korean sentences or words.
            model: koclip-mini, koclip-base or koclip-large.

        Returns:
            {"model", "revision", "notices", "embeddings": [[float]]}, a row for each text; dot
            products are cosines.
        """
        choice = self._choose(model, request, None)
        return answers.embeddings(choice, choice.model.embed_texts(_batch(texts)))

    def embed_image(
        self,
        images: list[str] | None,
        model: str = MINI,
        request: gr.Request = None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> dict:
        """Unit vectors of up to 64 images, in the same space as those of texts.

        Args:
            images: the pictures.
            model: koclip-mini, koclip-base or koclip-large.

        Returns:
            {"model", "revision", "notices", "embeddings": [[float]]}, a row for each image.
        """
        choice = self._choose(model, request, progress)
        return answers.embeddings(choice, choice.model.embed_images(_batch(images)))

    def _choose(
        self,
        model: str,
        request: gr.Request,
        progress: gr.Progress | None,
        database: str | None = None,
    ) -> Choice:
        language = language_of(request)
        return self._pool.choose(model, language, reporter(progress, language), database)

    def add_to_page(self, models: tuple[str, ...], default: str) -> None:
        """Adds the endpoints to the Blocks being built, with inputs that no one sees."""
        with gr.Column(visible=False):
            image = PictureInput(label="image", type="filepath")
            second = PictureInput(label="image", type="filepath")
            images = gr.File(label="images", file_count="multiple", type="filepath")
            labels, query = gr.Textbox("", label="labels"), gr.Textbox("", label="query")
            template = gr.Textbox(DEFAULT_TEMPLATE, label="template")
            softmax = gr.Checkbox(True, label="softmax")
            model = gr.Dropdown(list(models), value=default, label="model")
            sets = ["", *LABEL_SETS, OPEN]
            label_set = gr.Dropdown(sets, value="", label="label_set")
            count = gr.Number(12, precision=0, label="count")
            plus, minus, contrast = (gr.Textbox("", label=n) for n in ("plus", "minus", "contrast"))
            rows, columns = (gr.Number(3, precision=0, label=n) for n in ("rows", "columns"))
            overlap = gr.Number(0, label="overlap")
            scales = gr.Number(1, precision=0, label="scales")
            dense = gr.Checkbox(False, label="dense")
            database = gr.Textbox("", label="database")
            answer = gr.JSON(label="answer")
            public = {
                self.image_to_text: [image, labels, template, softmax, model, label_set],
                self.text_to_image: [query, count, model, second, plus, minus, database],
                self.text_to_patch: [
                    *(image, query, rows, columns, model, overlap, scales, contrast, dense)
                ],
                self.image_to_text_batch: [images, labels, template, softmax, model],
                self.embed_image: [images, model],
            }
            for endpoint, inputs in public.items():
                gr.Button(visible=False).click(
                    kindly(endpoint),
                    inputs,
                    answer,
                    api_name=endpoint.__name__,
                    concurrency_id="model",
                )
        for endpoint in (self.text_to_image_batch, self.embed_text):  # lists need no component
            gr.api(kindly(endpoint), api_name=endpoint.__name__, concurrency_id="model")


def _batch(items: list[str] | None) -> list[str]:
    if not items:
        raise KoCLIPError("batch_empty")
    if not isinstance(items, list):
        raise KoCLIPError("request_bad")
    if len(items) > MAX_BATCH:
        raise KoCLIPError("batch_too_large", count=len(items), limit=MAX_BATCH)
    return items
