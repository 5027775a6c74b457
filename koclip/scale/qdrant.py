"""Image databases in Qdrant, a vector database: on a server or a cluster, or embedded in a folder.

A collection holds the images of one model, one point per picture. Its id comes from the hash of
the picture's content, so that uploading again changes nothing. What Qdrant finds is approximate;
`recall` says how far.
"""

from __future__ import annotations

import dataclasses
import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from koclip import similarity
from koclip.checks import result_count
from koclip.database import ImageDatabase, ImageItem
from koclip.errors import KoCLIPError
from koclip.hub import Progress
from koclip.images import ImageSource
from koclip.metadata_filter import Condition, parse_conditions
from koclip.query import query_row
from koclip.scale.qdrant_connection import clear_failures, connect, is_server
from koclip.scale.qdrant_filter import TERMS, lookups, qdrant_filter
from koclip.segmented_store import SegmentedStore
from koclip.text_to_image import SAME_IMAGE, SearchHit

if TYPE_CHECKING:
    from qdrant_client import QdrantClient
    from qdrant_client.models import ScoredPoint

    from koclip.model import KoCLIP

PREFIX = "qdrant:"
"""Before a place, where image databases may be named, too."""
COLLECTION = "koclip"
_NAMESPACE = uuid.UUID("b59f1fe1-8d34-5f0c-8b0e-4a1b7a2f7a1c")
_UPLOADED_AT_ONCE = 256  # points; of 512 numbers about 2 MB of JSON, of the 32 MB that servers take
_SAMPLE = 2000  # points that tell how far cosines spread, as in `koclip.query`
_FIELDS = [field.name for field in dataclasses.fields(ImageItem) if field.name != "extra"]


@dataclass(frozen=True)
class QdrantIndex:
    """One collection. It is searched like an `ImageDatabase`."""

    client: QdrantClient = field(repr=False)
    place: str
    """URL, folder, or ":memory:"."""
    collection: str
    model: str = ""
    """What embedded the images; empty as long as the collection has not been made."""
    revision: str = ""
    folder: None = None
    """Pictures are where they are; see `location`."""

    @classmethod
    def open(cls, place: str, api_key: str | None = None) -> QdrantIndex:
        """A collection, which may not be there yet.

        Args:
            place: a server's URL, a folder or ":memory:", with "#" and a collection's name if that
                is not "koclip". A "qdrant:" before it is left out.
            api_key: default: that in the environment, QDRANT_API_KEY.

        Raises:
            KoCLIPError: the client is not installed, the server is out of reach or refuses, the
                folder is in use, or the collection is of something else.
        """
        place, _, collection = place.removeprefix(PREFIX).partition("#")
        collection = collection or COLLECTION
        client = connect(place, api_key)
        with clear_failures(place):
            if not client.collection_exists(collection):
                return cls(client, place, collection)
            made_by = client.get_collection(collection).config.metadata or {}
        if not isinstance(made_by.get("koclip_model"), str):
            raise KoCLIPError("qdrant_not_koclip", place=place, collection=collection)
        return cls(
            client, place, collection, made_by["koclip_model"], made_by.get("koclip_revision", "")
        )

    def __len__(self) -> int:
        """Points."""
        if not self.model:
            return 0
        with clear_failures(self.place):
            return self.client.count(self.collection, exact=True).count

    @property
    def title(self) -> str:
        """What the collection is called."""
        return self.collection

    def close(self) -> None:
        """A folder can be opened by others then."""
        self.client.close()

    def upload(self, database: ImageDatabase, progress: Progress | None = None) -> QdrantIndex:
        """Adds the database's images, or writes them anew, and returns the index with them.

        Images of the same content become one point, with what the last of them says. Nothing is
        removed.

        Raises:
            KoCLIPError: the collection is of another model, or Qdrant fails.
        """
        from qdrant_client import models

        index = self
        store = SegmentedStore.of(database.store)
        with clear_failures(self.place):
            if not self.model:
                index = self._made_for(database.model, database.revision, store.dimension)
            elif (self.model, self.revision) != (database.model, database.revision):
                raise self._other_model(f"{database.model}@{database.revision}")
            for start in range(0, len(store), _UPLOADED_AT_ONCE):
                stop = min(start + _UPLOADED_AT_ONCE, len(store))
                rows = store.rows_at(np.arange(start, stop)).astype(np.float32)
                points = {}
                for item, row in zip(database.items[start:stop], rows, strict=True):
                    located = dataclasses.replace(item, file=_located(database, item))
                    id = point_id(item, row)
                    points[id] = models.PointStruct(
                        id=id, vector=row.tolist(), payload=_payload(located)
                    )
                self.client.upsert(self.collection, list(points.values()), wait=True)
                if progress:
                    progress(self.place, stop, len(store))
        return index

    def search(
        self,
        model: KoCLIP,
        query: str = "",
        k: int = 10,
        *,
        image: ImageSource | np.ndarray | None = None,
        plus: str | Sequence[str] = (),
        minus: str | Sequence[str] = (),
        where: str | Sequence[str] = (),
        group: None = None,
        exact: bool = False,
    ) -> list[SearchHit]:
        """Like `koclip.text_to_image.search`, without groups.

        Args:
            exact: compare with every point instead of following Qdrant's index.

        Raises:
            KoCLIPError: as there; groups are asked for, or Qdrant fails.
        """
        count = result_count(k)
        if group is not None:
            raise KoCLIPError("qdrant_no_groups")
        self.check_model(model)
        conditions = parse_conditions(where, _FIELDS)
        image_row = None if image is None else model.embed_images([image])[0]
        is_sum = bool(plus or minus or (query and image is not None))
        sample = self._sample() if is_sum else np.empty((0, model.config.projection_dim))
        row = query_row(model, sample, query, image_row, plus, minus)
        return self._hits(row, count, conditions, image_row, exact)[0]

    def search_many(
        self,
        model: KoCLIP,
        queries: Sequence[str],
        k: int = 10,
        *,
        where: str | Sequence[str] = (),
        exact: bool = False,
    ) -> list[list[SearchHit]]:
        """`search` for each of many texts, in one request."""
        count = result_count(k)
        self.check_model(model)
        conditions = parse_conditions(where, _FIELDS)
        rows = [query_row(model, np.empty((0, 0)), query) for query in queries]
        return self._hits(np.concatenate(rows), count, conditions, None, exact) if rows else []

    def location(self, item: ImageItem) -> str:
        """A path, on the machine that uploaded it, or URL of the picture of a found item."""
        return item.file

    def thumbnail(self, row: int | None) -> None:
        """None: points hold no pictures."""

    def check_model(self, model: KoCLIP) -> None:
        """Raises a KoCLIPError unless `model` embedded what the collection holds."""
        if not self.model:
            raise KoCLIPError("qdrant_empty", place=self.place, collection=self.collection)
        same_name = self.model == model.name
        if self.revision != model.revision and not (same_name and not self.revision):
            raise self._other_model(f"{model.name}@{model.revision}")

    def recall(self, database: ImageDatabase, queries: np.ndarray, k: int) -> float:
        """Which share of the k best that the exact engine finds in `database` Qdrant finds, too.

        Args:
            queries: unit rows [Q, D].
        """
        store = SegmentedStore.of(database.store)
        numbers, _ = similarity.top_k(queries, store, k)
        answers = self._query(queries, numbers.shape[1], None, False, False)
        found_of_all, all_of_them = 0, 0
        for best, answer in zip(numbers, answers, strict=True):
            rows = store.rows_at(best).astype(np.float32)
            ids = {point_id(database.items[n], row) for n, row in zip(best, rows, strict=True)}
            found_of_all += len(ids & {str(point.id) for point in answer})
            all_of_them += len(ids)
        return found_of_all / max(1, all_of_them)

    def _made_for(self, model: str, revision: str, dimension: int) -> QdrantIndex:
        from qdrant_client import models

        self.client.create_collection(
            self.collection,
            models.VectorParams(size=dimension, distance=models.Distance.COSINE),
            metadata={"koclip_model": model, "koclip_revision": revision},
        )
        if is_server(self.place):  # the embedded mode has no indexes, and warns
            for name in _FIELDS:
                self.client.create_payload_index(
                    self.collection, f"{TERMS}.{name}", models.PayloadSchemaType.KEYWORD
                )
        return dataclasses.replace(self, model=model, revision=revision)

    def _other_model(self, other: str) -> KoCLIPError:
        made_by = f"{self.model}@{self.revision}"
        return KoCLIPError(
            "qdrant_other_model", collection=self.collection, made_by=made_by, model=other
        )

    def _sample(self) -> np.ndarray:
        """Rows of any points: ids are hashes, so their order has nothing to do with pictures."""
        with clear_failures(self.place):
            points, _ = self.client.scroll(
                self.collection, limit=_SAMPLE, with_payload=False, with_vectors=True
            )
        return np.array([point.vector for point in points], np.float32)

    def _hits(
        self,
        rows: np.ndarray,
        k: int,
        conditions: list[Condition],
        image_row: np.ndarray | None,
        exact: bool,
    ) -> list[list[SearchHit]]:
        """Asks for more and more points, until k of each answer are wanted, or all were seen."""
        asked = k if image_row is None else k + 1
        hits: list[list[SearchHit]] = [[] for _ in rows]
        open_queries = np.arange(len(rows))
        while len(open_queries):
            answers = self._query(
                rows[open_queries], asked, conditions, exact, image_row is not None
            )
            lacking = []
            for query, points in zip(open_queries, answers, strict=True):
                wanted = [p for p in points if _is_wanted(p, conditions, image_row)][:k]
                hits[query] = [
                    SearchHit(rank, ImageItem(**point.payload["item"]), point.score)
                    for rank, point in enumerate(wanted, start=1)
                ]
                if len(wanted) < k and len(points) == asked:
                    lacking.append(query)
            open_queries = np.array(lacking, int)
            asked *= 2
        return hits

    def _query(
        self,
        rows: np.ndarray,
        limit: int,
        conditions: list[Condition] | None,
        exact: bool,
        with_vectors: bool,
    ) -> list[list[ScoredPoint]]:
        from qdrant_client import models

        requests = [
            models.QueryRequest(
                query=row.tolist(),
                filter=qdrant_filter(conditions or []),
                limit=limit,
                params=models.SearchParams(exact=exact),
                with_payload=True,
                with_vector=with_vectors,
            )
            for row in rows
        ]
        with clear_failures(self.place):
            answers = self.client.query_batch_points(self.collection, requests)
        return [answer.points for answer in answers]


def point_id(item: ImageItem, row: np.ndarray) -> str:
    """Of the picture's content; where its hash is not known, of its embedding."""
    content = item.sha256 or hashlib.sha256(np.ascontiguousarray(row, "<f4")).hexdigest()
    return str(uuid.uuid5(_NAMESPACE, content))


def _payload(item: ImageItem) -> dict[str, dict]:
    known = {name: value for name, value in dataclasses.asdict(item).items() if value}
    return {"item": known} | lookups({name: getattr(item, name) for name in _FIELDS})


def _located(database: ImageDatabase, item: ImageItem) -> str:
    if database.folder is None or "://" in item.file:
        return item.file
    return str(Path(database.location(item)).absolute())


def _is_wanted(
    point: ScoredPoint, conditions: list[Condition], image_row: np.ndarray | None
) -> bool:
    """Filters are loose, and a picture does not find itself."""
    if image_row is not None and np.dot(point.vector, image_row) >= SAME_IMAGE:
        return False
    item = point.payload["item"]
    return all(condition.holds(item.get(condition.field)) for condition in conditions)
