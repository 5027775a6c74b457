"""Keeping compiled functions from one run to the next."""

from __future__ import annotations

from koclip.files import user_cache


def use_compilation_cache() -> None:
    """Lets JAX keep what it compiles in the user's cache folder, or $JAX_COMPILATION_CACHE_DIR.

    For programs, not for libraries: it changes a global setting of JAX. The cache's keys hold the
    versions of JAX and XLA and the processor's features, so it can be shared and outlive updates.
    """
    import jax

    if jax.config.jax_compilation_cache_dir:
        return
    jax.config.update("jax_compilation_cache_dir", str(user_cache() / "xla"))
    # By default only what took a second to compile is kept; here most take a little less.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
