"""The exact top-k of `koclip.similarity`, with the rows spread over devices, and over hosts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from koclip.errors import KoCLIPError
from koclip.segmented_store import SegmentedStore
from koclip.vector_store import VectorStore

_AXIS = "rows"
_READ_AT_ONCE = 1 << 16  # rows
_SCORES = 1 << 28  # held at once on a device: 1 GB
_MORE = 16  # candidates of a device beyond k, so that rounding seldom asks for a second scan


def row_mesh() -> Mesh:
    """All devices of all processes in one line. After `jax.distributed.initialize` in each."""
    return Mesh(np.array(jax.devices()), (_AXIS,))


@dataclass(frozen=True)
class ShardedRows:
    """Unit rows, of which every device holds an equal run; the last ones may hold fewer.

    Every process calls the same methods with the same arguments. It reads its own devices' rows of
    the (memory-mapped) database and no others: once when they are placed, in float32, and again the
    few that could be among the best. Over the network go, for each query, from every device one
    bit, whether it has looked at enough rows, and k pairs of a cosine and a row number, of 8 bytes.
    """

    store: SegmentedStore
    """The rows where they are stored."""
    rows: jax.Array
    """float32 [devices · rows of each, D]; zeros at the end."""
    filled: jax.Array
    """bool [devices · rows of each]: not those at the end."""

    @classmethod
    def place(
        cls, rows: np.ndarray | VectorStore | SegmentedStore, mesh: Mesh | None = None
    ) -> ShardedRows:
        """Copies the rows [N, D] to the devices of a `mesh` of one axis (default: all there are).

        Raises:
            KoCLIPError: a row of this process holds NaN or infinity.
        """
        store, mesh = SegmentedStore.of(rows), mesh or row_mesh()
        sharding = NamedSharding(mesh, PartitionSpec(mesh.axis_names))
        each = max(1, -(-len(store) // mesh.size))
        shape = (each * mesh.size, store.dimension)

        def read(index: tuple[slice, ...]) -> np.ndarray:
            start, stop, _ = index[0].indices(shape[0])
            shard = np.zeros((stop - start, shape[1]), np.float32)
            for at in range(start, min(stop, len(store)), _READ_AT_ONCE):
                numbers = np.arange(at, min(at + _READ_AT_ONCE, stop, len(store)))
                part = store.rows_at(numbers)
                finite = np.isfinite(part).all(axis=1)
                if not finite.all():
                    raise KoCLIPError("embedding_not_finite", row=at + int(finite.argmin()) + 1)
                shard[numbers - start] = part
            return shard

        placed = jax.make_array_from_callback(shape, sharding, read)
        return cls(store, placed, _placed_mask(np.ones(len(store), bool), placed))

    def __len__(self) -> int:
        return len(self.store)

    def top_k(
        self, queries: np.ndarray, k: int, keep: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """What `koclip.similarity.top_k` returns for these rows, in every process.

        Each device scans its rows in float32 and hands its best to its host, which scores them
        again in float64; the k best of all devices are merged in every process.
        """
        queries = np.asarray(queries, np.float32)
        searched = len(self) if keep is None else int(np.count_nonzero(keep))
        count, k = len(queries), min(k, searched)
        numbers, scores = np.empty((count, k), np.int64), np.empty((count, k), np.float32)
        if numbers.size:
            mask = self.filled if keep is None else _placed_mask(keep, self.rows)
            step = max(1, _SCORES // self._each)
            for part in (slice(at, at + step) for at in range(0, count, step)):
                numbers[part], scores[part] = self._best(queries[part], k, mask)
        return numbers, scores

    @property
    def _each(self) -> int:
        """Rows of each device."""
        return self.rows.shape[0] // self.rows.sharding.mesh.size

    def _best(self, queries: np.ndarray, k: int, mask: jax.Array) -> tuple[np.ndarray, np.ndarray]:
        mesh, wanted = self.rows.sharding.mesh, min(k, self._each)
        error = VectorStore(self.store.segments[0].store.rows).scan_error(queries)
        looked_at = wanted
        enough = False
        while not enough:
            looked_at = min(2 * looked_at + _MORE, self._each)
            found, columns, all_enough = _scan(
                mesh, wanted, looked_at, self.rows, mask, queries, error
            )
            enough = looked_at == self._each or bool(all_enough)
        pairs = [
            self._rescored(queries, wanted, *shards)
            for shards in zip(found.addressable_shards, columns.addressable_shards, strict=True)
        ]
        shape = (mesh.size, *pairs[0].shape[1:])
        local = jax.make_array_from_single_device_arrays(shape, found.sharding, pairs)
        return _merged(np.asarray(_to_all(mesh, local)), k, self._each)

    def _rescored(self, queries: np.ndarray, wanted: int, found, columns) -> jax.Array:
        """A device's candidates → its best with exact cosines: [1, Q, wanted, 2] int32 on it.

        As the engine does, they are summed in float64, which few accelerators have, then rounded.
        """
        device = found.index[0].start or 0
        candidates, places = np.asarray(found.data)[0], np.asarray(columns.data)[0]
        exact = np.full(candidates.shape, -np.inf, np.float32)
        for query, (row, seen, at) in enumerate(zip(queries, candidates, places, strict=True)):
            counted = seen > -np.inf
            rows = self.store.rows_at(at[counted] + np.int64(device * self._each))
            exact[query, counted] = np.vecdot(rows.astype(np.float64), row.astype(np.float64))
        order = np.lexsort((places, -exact), axis=1)[:, :wanted]
        best = [np.take_along_axis(values, order, 1) for values in (exact.view(np.int32), places)]
        return jax.device_put(np.stack(best, axis=-1)[None], found.device)


def _placed_mask(mask: np.ndarray, rows: jax.Array) -> jax.Array:
    """A mask [N], beside the rows that it is for."""
    padded = np.pad(mask, (0, len(rows) - len(mask)))
    return jax.make_array_from_callback(padded.shape, rows.sharding, padded.__getitem__)


@partial(jax.jit, static_argnames=("mesh", "wanted", "looked_at"))
def _scan(
    mesh: Mesh,
    wanted: int,
    looked_at: int,
    rows: jax.Array,
    mask: jax.Array,
    queries: jax.Array,
    error: jax.Array,
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Each device's best by float32 cosines, and whether no other row of any can be better.

    Returns:
        Cosines float32 and places in the device's run int32, [devices, Q, looked_at]; and a bool.
        A cosine is -inf where there are fewer rows.
    """
    sharded, whole = PartitionSpec(mesh.axis_names), PartitionSpec()

    def scan(rows, mask, queries, error):
        # Without HIGHEST, GPUs and TPUs would multiply with fewer bits than `error` allows for.
        cosines = jnp.matmul(queries, rows.T, precision=lax.Precision.HIGHEST)
        best, places = lax.top_k(jnp.where(mask, cosines, -jnp.inf), looked_at)
        last, kth = best[:, -1], best[:, wanted - 1]
        enough = (last < kth - 2 * error) | (last == -jnp.inf)
        return best[None], places[None], lax.pmin(enough.all().astype(jnp.int32), mesh.axis_names)

    return jax.shard_map(
        scan,
        mesh=mesh,
        in_specs=(sharded, sharded, whole, whole),
        out_specs=(sharded, sharded, whole),
    )(rows, mask, queries, error)


@partial(jax.jit, static_argnames="mesh")
def _to_all(mesh: Mesh, pairs: jax.Array) -> jax.Array:
    return lax.with_sharding_constraint(pairs, NamedSharding(mesh, PartitionSpec()))


def _merged(pairs: np.ndarray, k: int, each: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of all devices [devices, Q, wanted, 2] → the k best numbers and cosines [Q, k]."""
    pairs = np.ascontiguousarray(pairs.swapaxes(0, 1))
    places = pairs[..., 1] + each * np.arange(pairs.shape[1], dtype=np.int64)[:, None]
    cosines = np.ascontiguousarray(pairs[..., 0]).view(np.float32)
    numbers, cosines = (values.reshape(len(pairs), -1) for values in (places, cosines))
    order = np.lexsort((numbers, -cosines), axis=1)[:, :k]
    return np.take_along_axis(numbers, order, 1), np.take_along_axis(cosines, order, 1)
