"""Each tab at every width, in both languages and colour schemes: right, readable, accessible."""

from __future__ import annotations

from itertools import product

import pytest

from tests.browser.visit import TABS, Visit

WIDTHS = (1280, 820, 390)
LOOKS = list(product(WIDTHS, ("ko", "en"), ("light", "dark")))


@pytest.fixture(scope="module", params=LOOKS, ids=lambda look: "-".join(map(str, look)))
def look(request, new_visit):
    """One visit for each look, which the tests of this module share."""
    width, language, scheme = request.param
    visit = new_visit((width, 900), language, scheme)
    visit.open()
    yield visit
    visit.page.context.close()


@pytest.fixture(params=TABS)
def tab(request, look) -> str:
    look.open_tab(request.param)
    return request.param


def unfold(visit: Visit) -> None:
    """Shows all that is folded away."""
    page = visit.page
    folded = page.locator("button.label-wrap:not(.open)").locator("visible=true").all()
    for accordion in folded:
        accordion.click()
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    if folded:
        page.wait_for_timeout(300)  # they unfold slowly


def test_it_answers_before_anything_is_typed(look, tab):
    first = look.first(tab)
    if tab == "image-to-text":
        assert first["label"] == "고양이"
        assert first["probability"] > 0.9
    elif tab == "text-to-image":
        assert "고양이" in first["caption_ko"]
        caption = look.page.locator("#image-results figcaption").first.inner_text()
        assert first["caption_ko" if look.language == "ko" else "caption_en"] in caption
    else:
        assert first["query"] == "배"
        assert look.page.locator("#patch-results .stage .box").locator("visible=true").count() == 3


def test_it_is_in_the_visitors_language_and_fits_the_screen(look, tab):
    unfold(look)
    assert look.problems() == []
    names = look.page.get_by_role("tab").locator("visible=true").all_inner_texts()
    assert names == [look.text(tab.replace("-", "_")) for tab in TABS]


def test_it_is_in_the_visitors_colour_scheme(look, request):
    red, green, blue = look.page.locator("gradio-app").evaluate(
        "element => getComputedStyle(element).backgroundColor.match(/\\d+/g).map(Number)"
    )
    dark = request.node.callspec.params["look"][2] == "dark"
    assert (red + green + blue < 150) == dark


def test_axe_finds_nothing_serious(look, tab):
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="needs pip install axe-playwright-python"
    )
    unfold(look)
    found = axe.Axe().run(look.page).response["violations"]
    serious = [
        (violation["id"], [(node["target"], node["failureSummary"]) for node in violation["nodes"]])
        for violation in found
        if violation["impact"] in ("serious", "critical")
    ]
    assert serious == []
