"""Every sentence that KoCLIP says when something is wrong, as (Korean, English)."""

from __future__ import annotations

from koclip.messages import benchmark, collections, hub, inputs, models, scale, service, training

MESSAGES: dict[str, tuple[str, str]] = {
    **models.MESSAGES,
    **hub.MESSAGES,
    **inputs.MESSAGES,
    **collections.MESSAGES,
    **scale.MESSAGES,
    **service.MESSAGES,
    **training.MESSAGES,
    **benchmark.MESSAGES,
}
"""By code; `koclip.errors.KoCLIPError` fills in the values."""
