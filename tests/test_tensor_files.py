"""Weight files of every form: what is in them, whatever was damaged, and nothing is executed."""

from __future__ import annotations

import json
import math
import os
import pickle
import tracemalloc
import zipfile
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from flax.serialization import msgpack_restore, msgpack_serialize
from flax.traverse_util import flatten_dict
from safetensors.numpy import save, save_file

from koclip.checkpoints import torch_pickle
from koclip.checkpoints.tensor_files import open_tensors
from koclip.errors import KoCLIPError
from tests.conftest import ORACLE

FILES = {
    "safetensors": ORACLE / "pt/tiny-base-safetensors/model.safetensors",
    "msgpack": ORACLE / "flax/tiny-base/flax_model.msgpack",
    "bin": ORACLE / "pt/tiny-base-bin430/pytorch_model.bin",
}


def refusal(path: Path) -> KoCLIPError:
    """The error of opening `path`, which must be one that people can read in both languages."""
    with pytest.raises(KoCLIPError) as caught:
        open_tensors(path)
    error = caught.value
    assert str(path) in str(error)
    assert str(path) in error.localized("ko")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    return error


def write_safetensors(path: Path, header: object, data: bytes = b"") -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


# safetensors ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dtype",
    ["float64", "float32", "float16", "bfloat16", "int64", "int32", "int8", "uint8", "bool"],
)
def test_safetensors_types(tmp_path, rng, dtype):
    dtype = np.dtype(ml_dtypes.bfloat16) if dtype == "bfloat16" else np.dtype(dtype)
    tensors = {
        "scalar": np.asarray(3, dtype),
        "empty": np.zeros((0, 4), dtype),
        "matrix": (rng.normal(size=(5, 7)) * 3).astype(dtype),
    }
    save_file(tensors, tmp_path / "model.safetensors")
    stored = open_tensors(tmp_path / "model.safetensors")
    assert set(stored) == set(tensors)
    for name, value in tensors.items():
        assert stored[name].dtype == dtype
        assert stored[name].shape == value.shape
        np.testing.assert_array_equal(stored[name].read(), value)


def test_reading_copies_nothing_before_it_is_asked(tmp_path):
    save_file({"x": np.zeros(4_000_000, np.float32)}, tmp_path / "model.safetensors")
    tracemalloc.start()
    value = open_tensors(tmp_path / "model.safetensors")["x"].read()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert value.shape == (4_000_000,)
    assert peak < 1_000_000


def slow_q4(packed: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """ggml's Q4_0, one value at a time: in a block of 32, byte i holds value i below value i+16."""
    rows, blocks, _ = packed.shape
    out = np.zeros((rows, blocks * 32), np.float32)
    for r in range(rows):
        for b in range(blocks):
            for i in range(16):
                byte = int(packed[r, b, i])
                out[r, b * 32 + i] = (byte % 16 - 8) * float(scale[r, b])
                out[r, b * 32 + 16 + i] = (byte // 16 - 8) * float(scale[r, b])
    return out


def test_four_bit_tensors(tmp_path, rng):
    packed = rng.integers(0, 256, (6, 3, 16), np.uint8)
    scale = rng.normal(size=(6, 3)).astype(np.float16)
    save_file({"a.weight.q4_0": packed, "a.weight.q4_scale": scale}, tmp_path / "m.safetensors")
    stored = open_tensors(tmp_path / "m.safetensors")
    assert stored.keys() == {"a.weight"}
    assert stored["a.weight"].shape == (6, 96)
    assert stored["a.weight"].dtype == np.float32
    np.testing.assert_array_equal(stored["a.weight"].read(), slow_q4(packed, scale))


@pytest.mark.parametrize("shape", [(5,), (5, 7), (5, 3, 2, 2)])
def test_eight_bit_tensors(tmp_path, rng, shape):
    values = rng.integers(-128, 128, shape).astype(np.int8)
    scale = rng.normal(size=5).astype(np.float32)
    save_file({"a.int8": values, "a.int8_scale": scale}, tmp_path / "m.safetensors")
    expected = [[float(v) * float(scale[i]) for v in values[i].flat] for i in range(5)]
    actual = open_tensors(tmp_path / "m.safetensors")["a"].read()
    np.testing.assert_array_equal(actual.reshape(5, -1), np.float32(expected))


@pytest.mark.parametrize(
    "tensors",
    [
        {"a.q4_0": np.zeros((2, 1, 16), np.uint8)},
        {"a.int8": np.zeros((2, 3), np.int8)},
        {"a.q4_0": np.zeros((2, 1, 16), np.uint8), "a.q4_scale": np.zeros((2, 2), np.float16)},
        {"a.q4_0": np.zeros((2, 1, 8), np.uint8), "a.q4_scale": np.zeros((2, 1), np.float16)},
        {"a.q4_0": np.zeros((2, 1, 16), np.int8), "a.q4_scale": np.zeros((2, 1), np.float16)},
        {"a.q4_0": np.zeros((2, 16), np.uint8), "a.q4_scale": np.zeros((2, 1), np.float16)},
        {"a.int8": np.zeros((2, 3), np.int8), "a.int8_scale": np.zeros(3, np.float32)},
        {"a.int8": np.zeros((2, 3), np.uint8), "a.int8_scale": np.zeros(2, np.float32)},
    ],
    ids=lambda tensors: ",".join(f"{k}{v.shape}" for k, v in tensors.items()),
)
def test_quantised_tensors_that_do_not_fit_their_scales(tmp_path, tensors):
    save_file(tensors, tmp_path / "m.safetensors")
    assert refusal(tmp_path / "m.safetensors").code == "weights_unreadable"


def test_a_scale_without_values_is_an_ordinary_tensor(tmp_path):
    save_file({"a.q4_scale": np.zeros((2, 1), np.float16)}, tmp_path / "m.safetensors")
    assert open_tensors(tmp_path / "m.safetensors").keys() == {"a.q4_scale"}


def entry(**changes: object) -> dict:
    return {"x": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]} | changes}


@pytest.mark.parametrize(
    "header",
    [
        entry(dtype="F8_E4M3"),
        entry(dtype=None),
        entry(dtype=["F32"]),
        entry(shape=[2, 3]),
        entry(shape=[-2, -2]),
        entry(shape=[2.0, 2.0]),
        entry(shape=["2", "2"]),
        entry(shape="22"),
        entry(shape=None),
        entry(shape=[1 << 62, 1 << 62]),
        entry(shape=[1 << 100, 0], data_offsets=[17, 17]),
        entry(shape=[1 << 40, 1], data_offsets=[0, 4 << 40]),
        entry(data_offsets=[0.0, 16.0]),
        entry(data_offsets=[-16, 0]),
        entry(data_offsets=[16, 0]),
        entry(data_offsets=[8, 24]),
        entry(data_offsets=[0]),
        entry(shape=[1] * 65, data_offsets=[0, 4]),
        entry(shape=[1 << 100] * 10_000),
        entry() | {"y": entry(data_offsets=[0, 16])["x"]},  # two in one place
        entry() | {"y": {"dtype": "U8", "shape": [2], "data_offsets": [15, 17]}},
        entry(data_offsets=None),
        {"x": None},
        {"x": []},
        {"x": {}},
        [],
        None,
        5,
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"x":' * 100_000,
    ],
    ids=lambda header: str(header)[:60],
)
def test_senseless_safetensors_headers(tmp_path, header):
    path = write_safetensors(tmp_path / "model.safetensors", header, bytes(16))
    assert refusal(path).code == "weights_unreadable"


@pytest.mark.parametrize("length", [9, 1 << 20, 1 << 40, (1 << 64) - 1])
def test_safetensors_header_longer_than_the_file(tmp_path, length):
    (tmp_path / "model.safetensors").write_bytes(length.to_bytes(8, "little") + b"{}")
    assert refusal(tmp_path / "model.safetensors").code == "weights_unreadable"


# Flax ----------------------------------------------------------------------------------------


def test_flax_trees_are_read_as_flax_reads_them(tmp_path, rng):
    tree = {
        "scalar": np.asarray(2.5, np.float32),
        "numpy_scalar": np.float32(2.5),
        "empty": np.zeros((0, 3), np.float32),
        "half": rng.normal(size=(3, 5)).astype(np.float16),
        "brain": rng.normal(size=(2, 300)).astype(ml_dtypes.bfloat16),  # a size of two bytes
        "wide": rng.normal(size=(1, 70_000)),  # a size of four
        "whole": np.arange(10),
        "이름": {"long" * 20: {"long" * 80: np.ones((1, 1, 1, 2), np.float32)}},  # str8, str16
        "many": {f"block_{i}": np.full(1, i, np.float32) for i in range(20)},  # map16
        "none": {},
    }
    (tmp_path / "flax_model.msgpack").write_bytes(msgpack_serialize(tree))
    stored = open_tensors(tmp_path / "flax_model.msgpack")
    expected = flatten_dict(msgpack_restore(msgpack_serialize(tree)), sep="/")
    assert stored.keys() == expected.keys()
    for name, value in expected.items():
        assert stored[name].dtype == value.dtype
        np.testing.assert_array_equal(stored[name].read(), value)


def array_bytes(shape: bytes, dtype: bytes, size: bytes, data: bytes = b"") -> bytes:
    """{"x": an array} in msgpack, with each part as given."""
    body = b"\x93" + shape + dtype + size + data
    return b"\x81\xa1x" + b"\xc7" + bytes([len(body)]) + b"\x01" + body


F32 = b"\xa7float32"


@pytest.mark.parametrize(
    "data",
    [
        b"\xdf\xff\xff\xff\xff",  # four thousand million entries
        b"\xdb\xff\xff\xff\xff",
        b"\x81\xdb\xff\xff\xff\xffx",  # a name of 4 GB
        b"\x81\xa1x\xc9\xff\xff\xff\xff\x01" + b"\x93\x90" + F32 + b"\xc4\x04" + bytes(4),
        array_bytes(b"\xdd\xff\xff\xff\xff", b"", b"", b"\x01" * 200),
        array_bytes(b"\xdc\x00\x64" + b"\x01" * 100, F32, b"\xc4\x04", bytes(4)),  # 100 dimensions
        array_bytes(b"\x91\xcf" + b"\xff" * 8, F32, b"\xc4\x04", bytes(4)),
        array_bytes(b"\x92\xcf" + b"\x7f" * 8 + b"\x00", F32, b"\xc4\x04", bytes(4)),
        array_bytes(b"\x91\xff", F32, b"\xc4\x04", bytes(4)),  # −1
        array_bytes(b"\x91\x02", F32, b"\xc4\x04", bytes(4)),
        array_bytes(b"\x91\x01", F32, b"\xc6\xff\xff\xff\xff", bytes(4)),
        array_bytes(b"\x91\x01", b"\xa7float16", b"\xc4\x04", bytes(4)),
        array_bytes(b"\x91\x01", b"\xa6object", b"\xc4\x08", bytes(8)),
        array_bytes(b"\x91\x01", b"\xa2V4", b"\xc4\x04", bytes(4)),
        array_bytes(b"\x91\x01", b"\xa5f4,f4", b"\xc4\x08", bytes(8)),
        array_bytes(b"\x91\x01", b"\xa2\xff\xff", b"\xc4\x04", bytes(4)),
        b"\x81\xa1x" * 100_000,
        b"\x81\xda\x04\x01" + b"x" * 1025 + b"\x80",  # a name that every array below it would have
        b"\x81\xa1x\xd6\x05" + bytes(4),  # another extension
        b"\x81\x01\x80",  # a name that is a number
        b"\x81\xa1x\x90",
        b"\xc0",
        b"\x80\x80",
        bytes(1000),
    ],
    ids=lambda data: data[:12].hex(),
)
def test_senseless_flax_files(tmp_path, data):
    path = tmp_path / "flax_model.msgpack"
    path.write_bytes(data)
    assert refusal(path).code == "weights_unreadable"


def test_the_parts_above_make_a_sound_flax_file(tmp_path):
    path = tmp_path / "flax_model.msgpack"
    path.write_bytes(array_bytes(b"\x91\x01", F32, b"\xc4\x04", np.float32(7).tobytes()))
    assert open_tensors(path)["x"].read() == [7]


# PyTorch -------------------------------------------------------------------------------------


def atom(value: object) -> bytes:
    """The opcodes that push `value`."""
    return pickle.dumps(value, 2)[2:-1]


def name(module: str, attribute: str) -> bytes:
    return f"c{module}\n{attribute}\n".encode()


def tensor(
    shape: tuple, strides: tuple, first: int = 0, storage: str = "FloatStorage", key: str = "0"
) -> bytes:
    """The opcodes that push a tensor, as torch.save writes them."""
    place = b"(" + atom("storage") + name("torch", storage) + atom(key) + atom("cpu") + atom(8)
    hooks = name("collections", "OrderedDict") + b")R"
    arguments = b"(" + place + b"tQ" + atom(first) + atom(shape) + atom(strides) + b"\x89" + hooks
    return name("torch._utils", "_rebuild_tensor_v2") + arguments + b"tR"


def table(**tensors: bytes) -> bytes:
    return b"}" + b"".join(atom(name) + value + b"s" for name, value in tensors.items())


def write_torch(
    path: Path, opcodes: bytes, data: bytes = b"", compression: int = zipfile.ZIP_STORED
) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02" + opcodes + b".")
        archive.writestr("archive/data/0", data)
    return path


NUMBERS = np.arange(24, dtype=np.float32)


def test_torch_tensors_with_offsets_and_strides(tmp_path):
    opcodes = table(
        whole=tensor((4, 6), (6, 1)),
        part=tensor((2, 3), (3, 1), first=6),
        transposed=tensor((6, 4), (1, 6)),
        column=tensor((4, 1), (6, 99), first=2),
        scalar=tensor((), (), first=23),
        empty=tensor((0, 5), (5, 1), first=24),
    )
    stored = open_tensors(write_torch(tmp_path / "m.bin", opcodes, NUMBERS.tobytes()))
    grid = NUMBERS.reshape(4, 6)
    expected = {
        "whole": grid,
        "part": NUMBERS[6:12].reshape(2, 3),
        "transposed": grid.T,
        "column": grid[:, 2:3],
        "scalar": NUMBERS[23],
        "empty": np.zeros((0, 5), np.float32),
    }
    assert stored.keys() == expected.keys()
    for key, value in expected.items():
        np.testing.assert_array_equal(stored[key].read(), value)


@pytest.mark.parametrize(
    ("storage", "dtype"),
    [
        ("DoubleStorage", np.float64),
        ("HalfStorage", np.float16),
        ("BFloat16Storage", ml_dtypes.bfloat16),
        ("LongStorage", np.int64),
    ],
)
def test_torch_types(tmp_path, storage, dtype):
    values = NUMBERS[:6].astype(dtype)
    opcodes = table(x=tensor((2, 3), (3, 1), storage=storage))
    stored = open_tensors(write_torch(tmp_path / "m.bin", opcodes, values.tobytes()))
    assert stored["x"].dtype == dtype
    np.testing.assert_array_equal(stored["x"].read(), values.reshape(2, 3))


@pytest.mark.parametrize(
    "opcodes",
    [
        table(x=tensor((5, 5), (5, 1))),
        table(x=tensor((4, 6), (7, 1))),
        table(x=tensor((4, 6), (6, 1), first=1)),
        table(x=tensor((4, 6), (6, 1), first=-1)),
        table(x=tensor((2, 2), (-1, 1), first=8)),
        table(x=tensor((-2, -2), (1, 1))),
        table(x=tensor((1 << 62, 1 << 62), (0, 0))),
        table(x=tensor((1 << 62,), (1,))),
        table(x=tensor((2, 2), (1,))),
        table(x=tensor((2.0,), (1,))),
        table(x=tensor(("2",), (1,))),
        table(x=tensor((2,), (1.0,))),
        table(x=tensor((True,), (1,))),
        table(x=tensor((2,), (1 << 2000,))),
        table(x=tensor((2,), (1,), key="7")),
        table(x=atom(5))[:-1],  # nothing is stored
        atom([1, 2]),
        atom(None),
        b"",
        b"\x8e" + b"\xff" * 7 + b"\x00",  # bytes beyond all memory
        b"\x96" + (1 << 30).to_bytes(8, "little"),
        b"X\xff\xff\xff\x7f",
        b"P0\n",
        b"(" * 10_000,
        atom("x") + b"Q",
        b"\x82\x05",  # an extension code
        b"}" + b")" + b"2\x86" * 60 + b"Ns",  # a tuple of twice itself, 60 times, for a key
        b"}(" + b")" + b"2\x86" * 60 + b"Nu",
        name("collections", "OrderedDict") + b"(" + b")" + b"2\x86" * 60 + b"K\x01td\x85R",
        b"\x8f(" + b")" + b"2\x86" * 60 + b"\x90",  # in a set
        b"(" + atom("storage") + b")" + b"2\x86" * 60 + atom("0") + b"tQ",
    ],
    ids=lambda opcodes: repr(opcodes[-24:]),
)
def test_senseless_torch_pickles(tmp_path, opcodes):
    path = write_torch(tmp_path / "m.bin", opcodes, NUMBERS.tobytes())
    tracemalloc.start()
    error = refusal(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert error.code == "weights_unreadable"
    assert peak < 20_000_000


def test_a_torch_pickle_cannot_ask_for_memory(tmp_path):
    memo = b"}" + b"r\xff\xff\xff\x0f"  # entry number 268,435,455 of the unpickler's notes
    path = write_torch(tmp_path / "m.bin", memo)
    tracemalloc.start()
    assert open_tensors(path) == {}
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


def test_a_torch_pickle_cannot_change_what_it_calls(tmp_path):
    before = dict(vars(torch_pickle._locate_tensor)), torch_pickle._locate_tensor.__defaults__
    change = name("torch._utils", "_rebuild_tensor_v2")
    change += atom((None, {"__defaults__": (1, 2)})) + b"b0" + table()
    assert open_tensors(write_torch(tmp_path / "m.bin", change)) == {}
    after = dict(vars(torch_pickle._locate_tensor)), torch_pickle._locate_tensor.__defaults__
    assert after == before


def test_a_torch_storage_that_lies_about_its_size(tmp_path):
    """Steps lead beyond the end of the file, though so many numbers would be in it."""
    path = write_torch(tmp_path / "m.bin", table(x=tensor((2,), (1 << 20,))), NUMBERS.tobytes())
    said = NUMBERS.nbytes.to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(said, (1 << 24).to_bytes(4, "little")))
    assert refusal(path).code == "weights_unreadable"


class Evil:
    """Runs a command when it is unpickled."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def evil_pickles(marker: Path) -> dict[str, bytes]:
    command = f"touch {marker}"
    write = f"open({str(marker)!r}, 'w')"
    call = b"(" + atom(command) + b"tR"
    return {
        "os.system": atom(Evil(os.system, command)),
        "os.system, protocol 4": pickle.dumps(Evil(os.system, command), 4)[2:-1],
        "eval": atom(Evil(eval, write)),
        "exec": atom(Evil(exec, write)),
        "open": atom(Evil(open, str(marker), "w")),
        "inside a table": table(x=tensor((2,), (1,)), y=atom(Evil(os.system, command))),
        "getattr": name("builtins", "getattr") + b"(" + name("os", "system") + b"tR",
        "torch.load": name("torch", "load") + call,
        "torch.storage": name("torch.storage", "_load_from_bytes") + call,
        "a dotted name": b"\x80\x04" + atom("collections") + atom("abc.sys.exit") + b"\x93)R",
        "through OrderedDict": name("collections", "OrderedDict.__init__.__globals__") + call,
        "old instance": b"(" + atom(command) + b"ios\nsystem\n",
        "object": b"(" + name("os", "system") + atom(command) + b"o",
        "numpy": name("numpy._core.multiarray", "_reconstruct") + call,
    }


@pytest.mark.parametrize("kind", evil_pickles(Path("marker")))
def test_pickles_that_would_run_code_are_refused_unexecuted(tmp_path, kind):
    marker = tmp_path / "marker"
    path = write_torch(tmp_path / "m.bin", evil_pickles(marker)[kind], NUMBERS.tobytes())
    error = refusal(path)
    assert error.code == "weights_unsafe"
    assert "model.safetensors" in str(error)
    assert not marker.exists()


def test_the_evil_pickles_are_evil(tmp_path):
    marker = tmp_path / "marker"
    pickle.loads(b"\x80\x02" + evil_pickles(marker)["os.system"] + b".")
    assert marker.exists()


def test_torch_archives_that_are_none(tmp_path):
    compressed = write_torch(tmp_path / "m.bin", table(), bytes(9), zipfile.ZIP_DEFLATED)
    assert "compressed" in str(refusal(compressed))
    with zipfile.ZipFile(tmp_path / "m.bin", "w") as archive:
        archive.writestr("readme.txt", "no pickle")
    assert refusal(tmp_path / "m.bin").code == "weights_unreadable"
    (tmp_path / "m.bin").write_bytes(pickle.dumps({"x": 1}))  # what PyTorch < 1.6 wrote is no zip
    assert "1.6" in str(refusal(tmp_path / "m.bin"))


# Damage --------------------------------------------------------------------------------------


@pytest.fixture(params=FILES)
def sound(request) -> Path:
    return FILES[request.param]


def test_cut_files(sound, tmp_path):
    data = sound.read_bytes()
    path = tmp_path / sound.name
    rng = np.random.default_rng(1)
    lengths = {*range(0, 64), *rng.integers(64, len(data), 60).tolist(), len(data) - 1}
    for length in lengths:
        path.write_bytes(data[:length])
        assert refusal(path).code == "weights_unreadable", length


def test_garbage(sound, tmp_path):
    path = tmp_path / sound.name
    rng = np.random.default_rng(2)
    for size in (1, 8, 100, 5000):
        for _ in range(20):
            path.write_bytes(rng.bytes(size))
            assert refusal(path).code == "weights_unreadable"
    path.unlink()
    path.mkdir()
    assert refusal(path).code == "weights_unreadable"
    path.rmdir()
    assert refusal(path).code == "weights_unreadable"


def test_flipped_bytes_raise_nothing_else_and_read_nothing_outside(sound, tmp_path):
    """A flip among the numbers cannot be seen; anywhere else it must end in one clear error."""
    data = bytearray(sound.read_bytes())
    path = tmp_path / sound.name
    rng = np.random.default_rng(3)
    # Headers are at the start, but in a zip also at the end, and all through a msgpack.
    places = np.concatenate(
        [rng.integers(0, n, 80) for n in (64, 4096, len(data))]
        + [len(data) - 1 - rng.integers(0, 4096, 80)]
    )
    refused = 0
    for place in places.tolist():
        kept = data[place]
        data[place] ^= int(rng.integers(1, 256))
        path.write_bytes(data)
        data[place] = kept
        try:
            for stored in open_tensors(path).values():
                assert stored.read().nbytes == math.prod(stored.shape) * stored.dtype.itemsize
        except KoCLIPError as error:
            refused += 1
            assert error.localized("ko")
    assert refused > 50


def test_a_longer_file_is_refused_where_the_format_can_tell(tmp_path):
    path = tmp_path / "flax_model.msgpack"
    path.write_bytes(FILES["msgpack"].read_bytes() + b"\0")
    assert "follow" in str(refusal(path))


def test_duplicate_of_a_tensor_under_both_spellings(tmp_path):
    """Neither may win silently."""
    (tmp_path / "m.safetensors").write_bytes(
        save(
            {
                "a": np.ones((2, 3), np.float32),
                "a.int8": np.zeros((2, 3), np.int8),
                "a.int8_scale": np.zeros(2, np.float32),
            }
        )
    )
    assert "twice" in str(refusal(tmp_path / "m.safetensors"))
