"""Labels as the page shows them: a bar for each, and the raw cosine beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from koclip.label_sets import glossary
from koclip.ui.texts import say

SHOWN = 10
"""Labels shown at once; the rest is folded."""


def label_bars(
    results: Sequence[dict], language: str, bare: Mapping[str, dict] | None = None
) -> str:
    """A list of bars, the likeliest label first.

    Args:
        results: [{"label", "probability", "cosine"}]; without probability the bar is the cosine.
        bare: the same labels scored without a template, to show what the template does.
    """
    rows = [_row(result, language, bare) for result in results]
    shown, folded = rows[:SHOWN], rows[SHOWN:]
    html = f'<ol class="scores">{"".join(shown)}</ol>'
    if folded:
        more = say("more_labels", language, count=len(folded))
        html += (
            f'<details class="more"><summary>{more}</summary>'
            f'<ol class="scores" start="{SHOWN + 1}">{"".join(folded)}</ol></details>'
        )
    return html


def _row(result: dict, language: str, bare: Mapping[str, dict] | None) -> str:
    label = result["label"]
    gloss = glossary().get(label, "") if language != "ko" else ""
    gloss = f" <small>{escape(gloss)}</small>" if gloss else ""
    without = ""
    if bare:
        figure = say("bare_label", language, figure=_figure(bare[label]))
        without = f'<span class="bare"><i style="width:{_share(bare[label]):.2%}"></i></span>'
        without += f"<small>{figure}</small>"
    return (
        f'<li><span class="label">{escape(label)}{gloss}</span>'
        f'<span class="figure"><b>{_figure(result)}</b>'
        f" <small>{say('cosine', language)} {result['cosine']:.3f}</small></span>"
        f'<span class="bar"><i style="width:{_share(result):.2%}"></i></span>{without}</li>'
    )


def _figure(result: dict) -> str:
    probability = result["probability"]
    return f"{result['cosine']:.3f}" if probability is None else f"{probability:.1%}"


def _share(result: dict) -> float:
    """The bar's length; negative cosines have none."""
    probability = result["probability"]
    return min(1.0, max(0.0, result["cosine"] if probability is None else probability))
