"""Where compiled functions are kept."""

from __future__ import annotations

import jax
import pytest
from PIL import Image

import koclip
from koclip.compilation import use_compilation_cache
from koclip.encoder import _image_features, _text_features, _window_features
from koclip.text_to_patch import LOCALISING

OPTIONS = (
    "jax_compilation_cache_dir",
    "jax_persistent_cache_min_compile_time_secs",
    "jax_persistent_cache_min_entry_size_bytes",
)


@pytest.fixture(autouse=True)
def settings_of_jax(monkeypatch, tmp_path):
    """None is set when a test begins, and what was set before is set again when it ends."""
    before = {name: getattr(jax.config, name) for name in OPTIONS}
    jax.config.update(OPTIONS[0], None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    yield
    for name, value in before.items():
        jax.config.update(name, value)


def test_every_version_has_a_folder_of_its_own(tmp_path, monkeypatch):
    use_compilation_cache()
    first = jax.config.jax_compilation_cache_dir
    assert first.startswith(str(tmp_path))
    assert koclip.__version__ in first and jax.__version__ in first
    jax.config.update(OPTIONS[0], None)
    monkeypatch.setattr("koclip.compilation.__version__", "99.0")
    use_compilation_cache()
    assert jax.config.jax_compilation_cache_dir != first


def test_a_folder_that_was_chosen_stays(tmp_path):
    jax.config.update(OPTIONS[0], str(tmp_path / "mine"))
    use_compilation_cache()
    assert jax.config.jax_compilation_cache_dir == str(tmp_path / "mine")


def test_where_nothing_can_be_written_a_warning_says_so(tmp_path, monkeypatch, caplog):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    use_compilation_cache()
    assert jax.config.jax_compilation_cache_dir is None
    assert len(caplog.records) == 1 and "not kept" in caplog.text


def test_what_was_compiled_ahead_is_what_is_used(tiny_korean):
    tiny_korean.compile_ahead([2])
    compiled = _text_features._cache_size(), _image_features._cache_size()
    tiny_korean.embed_texts(["고양이 고양이", "강아지 강아지"])
    tiny_korean.embed_images([Image.new("RGB", (9, 9))] * 2)
    assert (_text_features._cache_size(), _image_features._cache_size()) == compiled


def test_so_are_the_tiles_that_the_page_begins_with(mini, examples):
    mini.compile_ahead([1])
    compiled = _window_features._cache_size()
    mini.rank_patches(examples / "boats.webp", "배", **LOCALISING, dense=True)
    assert _window_features._cache_size() == compiled > 0
