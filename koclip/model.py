"""KoCLIP: the model as people use it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from koclip import image_to_text, similarity, text_to_patch
from koclip.checkpoints.checkpoint import save_parameters
from koclip.config import ModelConfig
from koclip.dense import embed_boxes, is_dense
from koclip.encoder import TEXT_LENGTHS, Encoder
from koclip.files import write_whole
from koclip.hub import ModelFiles, Progress, locate
from koclip.images import ImageSource, as_sources, open_image
from koclip.limits import MAX_ROWS
from koclip.loading import load_served, open_model_checkpoint, open_processor
from koclip.model_inputs import as_pixels, as_tokens
from koclip.precision import check_precision, with_kernels
from koclip.processor import KoCLIPProcessor
from koclip.row_cache import RowCache
from koclip.tokenizer import as_texts

_SHORT_TEXTS = TEXT_LENGTHS[:3]
"""Tokens: words, labels in a template, and most captions have no more than 32."""


class DualEncoderOutput(NamedTuple):
    """What calling the model returns, named as in the original."""

    logits_per_image: jax.Array
    """[images, texts], cosines times exp(logit_scale)."""
    logits_per_text: jax.Array
    text_embeds: jax.Array
    """[texts, D], unit rows."""
    image_embeds: jax.Array


class KoCLIP:
    """A Korean text tower and an image tower that meet in one embedding space."""

    def __init__(
        self,
        config: ModelConfig,
        parameters: dict,
        processor: KoCLIPProcessor,
        files: ModelFiles,
        precision: str = "float32",
    ) -> None:
        self.config = config
        self.precision = precision
        """"float32", "int8" or "bfloat16": what the weights of the transformers are held in."""
        self.processor = processor
        self.files = files
        self._encoder = Encoder(config, parameters)
        self._texts = RowCache(self._encode_texts)
        self.logit_scale = float(np.exp(np.asarray(parameters["logit_scale"])))
        """What cosines are multiplied by before a softmax."""

    @classmethod
    def from_pretrained(
        cls,
        name: str | os.PathLike = "koclip-mini",
        *,
        revision: str | None = None,
        progress: Progress | None = None,
        precision: str = "auto",
    ) -> KoCLIP:
        """Opens a model: "koclip-mini", "koclip-base", "koclip-large", a folder or a Hub id.

        Args:
            revision: branch, tag or commit on the Hub.
            progress: called with (file name, bytes so far, bytes in all) while downloading.
            precision: what the transformers compute in: "float32", "int8" or "bfloat16"; "auto" is
                what is fastest here of those that give the same embeddings to a cosine of .999.

        Raises:
            KoCLIPError: no such model, no connection, or files that are damaged or do not fit.
        """
        check_precision(precision)
        return cls.from_files(locate(name, revision=revision, progress=progress), precision)

    @classmethod
    def from_files(cls, files: ModelFiles, precision: str = "auto") -> KoCLIP:
        """`from_pretrained` of what has been located.

        Raises:
            KoCLIPError: files that are damaged or do not fit.
        """
        config, parameters, precision = load_served(files, precision)
        return cls(config, parameters, open_processor(files, config), files, precision)

    @property
    def name(self) -> str:
        """What the model was opened as."""
        return self.files.name

    @property
    def revision(self) -> str:
        """The Hub's commit, or a fingerprint of local files."""
        return self.files.revision

    @property
    def parameters(self) -> dict:
        """All weights, a nested dict of float32 arrays; read anew if they are served in less."""
        if self.precision == "float32":
            return with_kernels(self._encoder.parameters)
        return open_model_checkpoint(self.files).read()

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the weights take as they are served."""
        return sum(leaf.nbytes for leaf in jax.tree.leaves(self._encoder.parameters))

    def embed_texts(self, texts: str | Iterable[str]) -> np.ndarray:
        """Texts → float32 unit rows [texts, D].

        Raises:
            KoCLIPError: a text is no string or too long, or the model has no tokenizer.
        """
        texts = as_texts(texts)
        if not texts:
            return np.empty((0, self.config.projection_dim), np.float32)
        return self._texts.rows(texts)

    def compile_ahead(self, batches: Iterable[int] = (1, 8)) -> None:
        """Compiles what short texts and images in such batches need, and tiles in one pass; nobody
        else waits for it.

        Where compiled functions are kept from run to run, this takes a moment from the second on.
        """
        for count in batches:
            self._encoder.compile_images(count)
            for length in _SHORT_TEXTS:
                self._encoder.compile_texts(count, length)
        if is_dense(self):  # what the page begins with
            blank = Image.new("L", (MAX_ROWS, MAX_ROWS))
            tiles = text_to_patch.cut(blank, **text_to_patch.LOCALISING)
            embed_boxes(self, blank, [tile.box for tile in tiles])

    def remember_texts(self, texts: Sequence[str], rows: np.ndarray) -> None:
        """Gives `embed_texts` the unit rows [texts, D] of texts that this model embedded before."""
        self._texts.add(texts, rows)

    def _encode_texts(self, texts: list[str]) -> np.ndarray:
        return similarity.unit_rows(self._encoder.text_features(*self.processor.tokenize(texts)))

    def embed_images(self, images: ImageSource | Iterable[ImageSource]) -> np.ndarray:
        """Images → float32 unit rows [images, D].

        The unit row [D] of an image stands for the image, here and wherever KoCLIP takes one: what
        was embedded need not be embedded again.

        Raises:
            KoCLIPError: something is no readable image.
        """
        sources = as_sources(images)
        rows = np.empty((len(sources), self.config.projection_dim), np.float32)
        pictures = {}
        for i, source in enumerate(sources):
            if isinstance(source, np.ndarray) and source.shape == rows.shape[1:]:
                rows[i] = similarity.unit_rows(source)
            else:
                pictures[i] = source
        if pictures:
            # One by one: decoded, a picture can be five hundred times as large as what is kept.
            prepare = self.processor.image_processor
            pixels = np.concatenate([prepare([open_image(p)]) for p in pictures.values()])
            features = self._encoder.image_features(pixels)
            rows[list(pictures)] = similarity.unit_rows(features)
        return rows

    def get_text_features(
        self, input_ids: np.ndarray, attention_mask: np.ndarray | None = None
    ) -> jax.Array:
        """Token ids [B, T] → features [B, D], not normalised. No mask means no padding.

        Raises:
            KoCLIPError: wrong shapes, more tokens than positions, or ids outside the vocabulary;
                the original returned NaN for the last two.
        """
        ids, mask = as_tokens(input_ids, attention_mask, self.config.text)
        return jnp.asarray(self._encoder.text_features(ids, mask))

    def get_image_features(self, pixel_values: np.ndarray) -> jax.Array:
        """Normalised pixels [B, H, W, 3] → features [B, D], not normalised.

        Raises:
            KoCLIPError: the pixels are not in that shape.
        """
        pixels = as_pixels(pixel_values, self.config.vision.image_size)
        return jnp.asarray(self._encoder.image_features(pixels))

    def get_window_features(self, pixel_values: np.ndarray, windows: np.ndarray) -> np.ndarray:
        """One picture's normalised pixels [1, H, W, 3] and weights [N, h, w] of its places →
        features [N, D], not normalised; koclip-mini only. `koclip.dense` uses it."""
        return self._encoder.window_features(pixel_values, windows)

    def __call__(
        self,
        input_ids: np.ndarray,
        pixel_values: np.ndarray,
        attention_mask: np.ndarray | None = None,
        token_type_ids: np.ndarray | None = None,
    ) -> DualEncoderOutput:
        """Scores every image against every text, as the original's `model(**inputs)`.

        `token_type_ids` may be there, as some tokenizers add them: KoCLIP's texts are all of
        type 0.
        """
        del token_type_ids
        text = similarity.unit_rows(self.get_text_features(input_ids, attention_mask))
        image = similarity.unit_rows(self.get_image_features(pixel_values))
        logits = jnp.asarray(similarity.cosine(image, text) * np.float32(self.logit_scale))
        return DualEncoderOutput(logits, logits.T, jnp.asarray(text), jnp.asarray(image))

    def classify(
        self,
        image: ImageSource,
        labels: str | Sequence[str],
        template: str | Sequence[str] = image_to_text.DEFAULT_TEMPLATE,
        softmax: bool = True,
    ) -> list[image_to_text.LabelScore]:
        """Labels by how well they fit `image`; see `koclip.image_to_text.classify`."""
        return image_to_text.classify(self, image, labels, template, softmax)

    def rank_patches(
        self,
        image: ImageSource,
        query: str | Sequence[str],
        rows: int = 3,
        columns: int = 3,
        *,
        overlap: float = 0.0,
        scales: int = 1,
        contrast: str | None = None,
        dense: bool = False,
        progress: Progress | None = None,
    ) -> list[text_to_patch.PatchScore]:
        """Tiles of `image` by how well they fit one or several queries, the best first.

        The plain grid is the original's; `overlap` adds tiles between those of the grid, `scales`
        larger ones, `contrast` names what should not count, and `dense` is faster with
        koclip-mini: see `koclip.text_to_patch.rank_patches`.
        """
        options = {"overlap": overlap, "scales": scales, "contrast": contrast, "dense": dense}
        return text_to_patch.rank_patches(
            self, image, query, rows, columns, **options, progress=progress
        )

    def save_pretrained(self, folder: str | os.PathLike) -> None:
        """Writes weights, settings and tokenizer into `folder`, to be opened again from there.

        base and large take the VisionTextDualEncoder form, which transformers opens too.
        """
        folder = Path(folder)
        save_parameters(folder, self.config, self.parameters)
        settings = json.dumps(self.processor.image_processor.to_json(), indent=2) + "\n"
        write_whole(folder / "preprocessor_config.json", settings.encode())
        if self.processor.tokenizer:
            for name in ("tokenizer_config.json", "special_tokens_map.json", "vocab.txt"):
                if (file := self.files.tokenizer / name).is_file():
                    write_whole(folder / name, file.read_bytes())
            text = self.processor.tokenizer.backend.to_str()
            write_whole(folder / "tokenizer.json", text.encode())


def load_koclip(name: str) -> tuple[KoCLIP, KoCLIPProcessor]:
    """The model and its processor, as the original's `load_koclip`."""
    model = KoCLIP.from_pretrained(name)
    return model, model.processor
