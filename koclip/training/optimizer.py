"""AdamW: how fast each parameter learns, which are decayed, which are locked."""

from __future__ import annotations

import re
from collections.abc import Mapping

import jax
import optax

from koclip.errors import KoCLIPError
from koclip.training.config import TrainConfig

FlatParameters = dict[str, jax.Array]
"""Parameters by path, "text_tower.block_0.attention.query.kernel"."""

_DECAYED_LEAVES = ("kernel", "embedding", "position_embedding")


def split_locked(
    flat: Mapping[str, jax.Array], locked: tuple[str, ...]
) -> tuple[FlatParameters, FlatParameters]:
    """The parameters that are trained, and those whose path one of the `locked` patterns matches.

    Patterns are regular expressions, matched from the start of the path, so "vision_tower" locks
    the whole image tower (LiT, arXiv 2111.07991).

    Raises:
        KoCLIPError: a pattern matches nothing, or nothing is left to train.
    """
    check_patterns(flat, locked, "locked")
    is_locked = {path: any(re.match(pattern, path) for pattern in locked) for path in flat}
    if all(is_locked.values()):
        raise KoCLIPError("training_all_locked")
    return (
        {path: value for path, value in flat.items() if not is_locked[path]},
        {path: value for path, value in flat.items() if is_locked[path]},
    )


def check_patterns(paths: Mapping[str, object], patterns: tuple[str, ...], key: str) -> None:
    """An error if one of the setting `key`'s patterns fits no parameter: it is a typing mistake."""
    for pattern in patterns:
        if not any(re.match(pattern, path) for path in paths):
            towers = sorted({path.split(".")[0] for path in paths})
            raise KoCLIPError(
                "training_pattern_unused", key=key, pattern=pattern, known=", ".join(towers)
            )


def is_decayed(path: str) -> bool:
    """Whether weight decay applies to the parameter at `path`.

    Only to matrices and tables. A bias or a norm's scale is one number per feature, which costs no
    capacity, and pulling it towards zero only fights the normalisation around it; the logit scale
    and bias have their own meaning for the loss.
    """
    return path.rpartition(".")[2] in _DECAYED_LEAVES


def learning_rate(config: TrainConfig, total_steps: int) -> optax.Schedule:
    """Step → learning rate: linear warm-up from 0, then `config.schedule` down to 0."""
    peak, warmup = config.learning_rate, config.warmup_steps
    decay_steps = max(total_steps - warmup, 1)
    decay = {
        "constant": lambda: optax.constant_schedule(peak),
        "linear": lambda: optax.linear_schedule(peak, 0.0, decay_steps),
        "cosine": lambda: optax.cosine_decay_schedule(peak, decay_steps),
    }[config.schedule]()
    if not warmup:
        return decay
    # The first step already learns a little: a rate of 0 would waste it.
    rise = optax.linear_schedule(peak / warmup, peak, max(warmup - 1, 1))
    return optax.join_schedules([rise, decay], [warmup])


def make_optimizer(
    config: TrainConfig, trained: Mapping[str, object], total_steps: int
) -> optax.GradientTransformation:
    """AdamW (arXiv 1711.05101) for the flat parameters `trained`.

    The gradient is clipped as one vector, before Adam; a group's multiplier scales its rate, decay
    included, and the first pattern that matches a path counts.

    Raises:
        KoCLIPError: a pattern of `learning_rate_multipliers` matches nothing.
    """
    check_patterns(
        trained,
        tuple(pattern for pattern, _ in config.learning_rate_multipliers),
        "learning_rate_multipliers",
    )
    parts = [
        optax.scale_by_adam(config.adam_b1, config.adam_b2, config.adam_eps),
        optax.add_decayed_weights(
            config.weight_decay, mask=lambda flat: {path: is_decayed(path) for path in flat}
        ),
        optax.scale_by_learning_rate(learning_rate(config, total_steps)),
    ]
    if config.max_gradient_norm is not None:
        parts.insert(0, optax.clip_by_global_norm(config.max_gradient_norm))
    if config.learning_rate_multipliers:
        parts.append(_scale_by_path(config.learning_rate_multipliers))
    return optax.chain(*parts)


def _scale_by_path(multipliers: tuple[tuple[str, float], ...]) -> optax.GradientTransformation:
    def factor(path: str) -> float:
        return next((f for pattern, f in multipliers if re.match(pattern, path)), 1.0)

    return optax.stateless(
        lambda updates, _: {path: factor(path) * update for path, update in updates.items()}
    )
