"""Keeping compiled functions from one run to the next."""

from __future__ import annotations

import logging
import os
import tempfile

from koclip import __version__
from koclip.files import user_cache

log = logging.getLogger(__name__)


def use_compilation_cache() -> None:
    """Lets JAX keep what it compiles in the user's cache folder, or $JAX_COMPILATION_CACHE_DIR.

    For programs, not for libraries: it changes a global setting of JAX. Every version of KoCLIP and
    of JAX has a folder of its own. Where none can be written, nothing is kept, and a warning says
    so.
    """
    import jax

    if jax.config.jax_compilation_cache_dir:
        return
    folder = user_cache() / "xla" / f"koclip-{__version__}-jax-{jax.__version__}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        log.warning("compiled functions are not kept from run to run: %s", error)
        return
    jax.config.update("jax_compilation_cache_dir", os.fspath(folder))
    # By default only what took a second to compile is kept; here most take a little less.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
