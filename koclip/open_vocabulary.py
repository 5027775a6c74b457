"""Open classification, "what is it?": an image is named without labels, out of a vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from koclip import similarity
from koclip.batching import BATCH_SIZES
from koclip.checks import result_count
from koclip.hub import Progress
from koclip.image_to_text import DEFAULT_TEMPLATE, LabelScore, embed_labels
from koclip.images import ImageSource
from koclip.label_fit import BACKGROUND, FIT_THRESHOLD, excess
from koclip.label_sets import glossary
from koclip.model import KoCLIP

_CHUNK = BATCH_SIZES[-1]


@dataclass(frozen=True)
class OpenVocabulary:
    """Words that one model can choose from, embedded once."""

    model: KoCLIP
    words: tuple[str, ...]
    rows: np.ndarray
    """Unit rows [words, D], of each word in the default template."""

    @classmethod
    def of(
        cls, model: KoCLIP, progress: Progress | None = None, words: Sequence[str] | None = None
    ) -> OpenVocabulary:
        """Embeds the words, which takes a big model about 50 ms for each.

        Args:
            progress: called with ("words", how many are embedded, how many in all); raise from it
                to stop.
            words: default: all labels of all ready sets. `BACKGROUND` is enough for `fits`.

        Raises:
            KoCLIPError: the model has no tokenizer.
        """
        words = tuple(glossary() if words is None else words)
        rows = []
        for start in range(0, len(words), _CHUNK):
            rows.append(embed_labels(model, words[start : start + _CHUNK], [DEFAULT_TEMPLATE]))
            if progress:
                progress("words", min(start + _CHUNK, len(words)), len(words))
        return cls(model, words, np.concatenate(rows))

    def name(self, image: ImageSource, k: int = 10, softmax: bool = True) -> list[LabelScore]:
        """The `k` words that fit `image` best, with probabilities among the whole vocabulary.

        Raises:
            KoCLIPError: no readable image, or a `k` below 1.
        """
        count = result_count(k)
        cosines = similarity.cosine(self.model.embed_images([image]), self.rows)[0]
        best = np.argsort(-cosines, kind="stable")[:count]
        probabilities = similarity.softmax(cosines, self.model.logit_scale)[best].tolist()
        return [
            LabelScore(self.words[index], probability if softmax else None, float(cosines[index]))
            for index, probability in zip(best, probabilities, strict=True)
        ]

    def fits(
        self, image: ImageSource, scores: Sequence[LabelScore], among: int | None = None
    ) -> bool:
        """Whether the first label, the best, really fits `image`; see `koclip.label_fit`.

        It is compared in the default template, whatever template the scores were made with.

        Args:
            scores: what `classify` or `name` returned.
            among: how many labels the best one was picked from. Default: as many as there are
                scores; for `name`, the size of the vocabulary.

        Raises:
            KoCLIPError: no readable image.
        """
        label = scores[0].label
        others = [self.words.index(word) for word in BACKGROUND if word != label]
        rows = np.concatenate([self._embedded(label), self.rows[others]])
        cosines = similarity.cosine(self.model.embed_images([image]), rows)[0]
        return excess(cosines[0], cosines[1:], among or len(scores)) >= FIT_THRESHOLD

    def _embedded(self, word: str) -> np.ndarray:
        if word in self.words:
            return self.rows[[self.words.index(word)]]
        return embed_labels(self.model, [word], [DEFAULT_TEMPLATE])
