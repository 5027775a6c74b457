"""Korean text → token ids."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from koclip.config import TextConfig
from koclip.errors import KoCLIPError
from koclip.limits import MAX_CHARACTERS
from koclip.visible_text import in_utf8


def clean_text(text: str) -> str:
    """`text` in composed Unicode, with what UTF-8 cannot hold (lone surrogates) replaced."""
    return unicodedata.normalize("NFC", in_utf8(text))


def as_texts(texts: str | Iterable[str]) -> list[str]:
    """A single text counts as a list of one; an error if there is anything but strings."""
    if isinstance(texts, str):
        return [texts]
    if not isinstance(texts, Iterable):
        raise KoCLIPError("text_not_string", kind=type(texts).__name__)
    texts = list(texts)
    for text in texts:
        if not isinstance(text, str):
            raise KoCLIPError("text_not_string", kind=type(text).__name__)
    return texts


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Tells of a tokenizer at `path` that fails: with a bare Exception, where there is no token for
    the unknown, or with a panic of Rust's, which is no Exception."""
    try:
        yield
    except KoCLIPError:
        raise
    except BaseException as error:
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise KoCLIPError("tokenizer_unreadable", path=path, reason=error) from error
        raise


class TextTokenizer:
    """A `tokenizers` tokenizer with the model's limits.

    transformers' AutoTokenizer wraps the same object, but importing it takes a second.
    """

    def __init__(self, tokenizer: Tokenizer, config: TextConfig, path: Path) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        # What is added to every text need not be in the vocabulary.
        added = tokenizer.encode("").ids
        largest = max([*tokenizer.get_vocab(with_added_tokens=True).values(), *added], default=0)
        if largest >= config.vocab_size:
            raise KoCLIPError(
                "tokenizer_mismatch", path=path, largest=largest, vocabulary=config.vocab_size
            )
        self.backend = tokenizer
        self._config = config
        self._path = path

    @classmethod
    def from_folder(cls, folder: Path, config: TextConfig) -> TextTokenizer:
        """Reads tokenizer.json, or whatever older files transformers can turn into one."""
        path = folder / "tokenizer.json"
        with _explained(path):
            if path.is_file():
                return cls(Tokenizer.from_file(str(path)), config, path)
            from transformers import AutoTokenizer

            return cls(AutoTokenizer.from_pretrained(folder).backend_tokenizer, config, folder)

    def __call__(self, texts: str | Iterable[str]) -> tuple[np.ndarray, np.ndarray]:
        """Texts → ids and mask, both int32 [B, longest], padded on the right.

        Hangul is composed first (NFC), so that text typed on a Mac finds the same tokens.

        Raises:
            KoCLIPError: a text is not a string, or has more characters than `koclip.limits` says or
                more tokens than the model has positions.
        """
        texts = as_texts(texts)
        for text in texts:
            if len(text) > MAX_CHARACTERS:
                raise KoCLIPError(
                    "text_too_many_characters",
                    count=len(text),
                    limit=MAX_CHARACTERS,
                    start=clean_text(text[:20]),
                )
        rows = self._rows(texts)
        for text, row in zip(texts, rows, strict=True):
            if not row:
                reason = f"no tokens for “{clean_text(text)[:20]}”"
                raise KoCLIPError("tokenizer_unreadable", path=self._path, reason=reason)
            if len(row) > self._config.max_tokens:
                raise KoCLIPError(
                    "text_too_long",
                    tokens=len(row),
                    limit=self._config.max_tokens,
                    start=clean_text(text)[:20],
                )
        return self._padded(rows, max(map(len, rows), default=0))

    def truncated(
        self, texts: Sequence[str], max_length: int, lengths: tuple[int, ...] = ()
    ) -> tuple[np.ndarray, np.ndarray]:
        """Texts → ids and mask, both int32 [B, T], for training: what is too long is cut.

        Args:
            max_length: of a row; the model's own limit, where that is less. A row that is cut
                keeps its last token, [SEP] or </s>.
            lengths: ascending; T is the first that holds the longest row, or else the limit.
        """
        limit = min(max_length, self._config.max_tokens)
        rows = [
            [*row[: limit - 1], row[-1]] if len(row) > limit else row for row in self._rows(texts)
        ]
        longest = max(map(len, rows), default=0)
        length = next((length for length in lengths if length >= longest), limit)
        return self._padded(rows, min(length, limit))

    def _rows(self, texts: list[str]) -> list[list[int]]:
        prefix = self._config.prompt_prefix
        prompts = [prefix + clean_text(text[:MAX_CHARACTERS]) for text in texts]
        with _explained(self._path):
            return [encoding.ids for encoding in self.backend.encode_batch_fast(prompts)]

    def _padded(self, rows: list[list[int]], length: int) -> tuple[np.ndarray, np.ndarray]:
        ids = np.full((len(rows), length), self._config.pad_token_id, np.int32)
        mask = np.zeros((len(rows), length), np.int32)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = row
            mask[i, : len(row)] = 1
        return ids, mask
