"""Links that restore an answer, and links that are old, mistyped or meant to do harm."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from tests.browser.visit import PLACES, Visit


def about(answer: object) -> object:
    """Equal to an answer up to rounding: a text may have been embedded among others."""
    if isinstance(answer, dict):
        return {key: about(value) for key, value in answer.items()}
    if isinstance(answer, list):
        return [about(value) for value in answer]
    return pytest.approx(answer, abs=1e-5) if isinstance(answer, float) else answer


def copied_link(visit: Visit, tab: str) -> str:
    """The query string of the link that the button copies."""
    button = visit.page.locator(f"{PLACES[tab]} [data-do=link]")
    button.click()
    button.get_by_text(visit.text("copied")).wait_for()
    link = visit.page.evaluate("navigator.clipboard.readText()")
    assert link.startswith(visit.space + "?")
    return link.removeprefix(visit.space)


def ask_image_to_text(visit: Visit) -> dict[str, str]:
    with visit.another_answer("image-to-text"):
        visit.choice("coffee.webp").click()
    visit.open_options()
    for key, value in (("labels", "컵\n접시, 냄비"), ("template", "{}의 사진")):
        visit.field(key).fill(value)
    with visit.another_answer("image-to-text"):
        visit.button("classify").click()
    return {"labels": "컵\n접시, 냄비"}


def ask_text_to_image(visit: Visit) -> dict[str, str]:
    visit.open_options("refine")
    visit.field("minus").fill("사람")
    visit.page.get_by_label(visit.text("count")).first.fill("3")
    visit.field("query").fill("자전거 & 길?")
    with visit.another_answer("text-to-image"):
        visit.button("search").click()
    return {"query": "자전거 & 길?", "minus": "사람"}


def ask_text_to_patch(visit: Visit) -> dict[str, str]:
    visit.field("queries").fill("하늘, 배")
    visit.field("rows").fill("2")
    with visit.another_answer("text-to-patch"):
        visit.button("rank").click()
    return {"queries": "하늘, 배", "rows": "2"}


ASK = {
    "image-to-text": ask_image_to_text,
    "text-to-image": ask_text_to_image,
    "text-to-patch": ask_text_to_patch,
}


@pytest.mark.parametrize("tab", ASK)
def test_a_link_restores_inputs_and_answer(visit, new_visit, tab):
    visit.open(tab)
    inputs = ASK[tab](visit)
    link = copied_link(visit, tab)
    visit.page.wait_for_url(visit.space + link)  # the address can be shared as it is, too

    guest = new_visit()
    guest.page.goto(guest.space + link)
    guest.page.wait_for_selector(f"{PLACES[tab]} .answer", state="visible")  # the tab is shown
    assert guest.answer(tab) == about(visit.answer(tab))
    for key in ("template", "minus"):  # they are folded away
        if visit.page.get_by_label(visit.text(key)).locator("visible=true").count():
            guest.open_options("options" if key == "template" else "refine")
    for key, value in inputs.items():
        guest.wait_for_value(key, value)
    assert guest.problems() == []


def test_a_link_restores_more_like_this_and_what_is_it(visit, new_visit):
    visit.open("text-to-image")
    with visit.another_answer("text-to-image"):
        visit.page.locator("#image-results figure button").first.click()
    more = copied_link(visit, "text-to-image")
    visit.open_tab("image-to-text")
    with visit.another_answer("image-to-text"):
        visit.button("name_it").click()
    for tab, link in (
        ("text-to-image", more),
        ("image-to-text", copied_link(visit, "image-to-text")),
    ):
        guest = new_visit()
        guest.open(tab, link)
        assert guest.answer(tab) == about(visit.answer(tab))


MARKUP = '<img src=x onerror="window.harmed=1"><script>window.harmed=1</script>"\'><b>굵게</b>'
HARMFUL = [
    ("image-to-text", {"labels": f"{MARKUP}\n고양이", "image": "../../../etc/passwd"}),
    ("image-to-text", {"labels": "가," * 3_000, "template": "{" * 500, "compare": "evil,"}),
    ("text-to-image", {"query": MARKUP, "count": "many", "like": MARKUP, "image": "no.webp"}),
    ("text-to-image", {"query": "x" * 21_000, "count": "-5"}),
    ("text-to-patch", {"query": MARKUP, "rows": "three", "columns": "nan"}),
    ("text-to-patch", {"query": "배", "rows": "99999", "overlap": "nan", "scales": "1e9"}),
    ("image-to-text", {"model": "evil", "softmax": "perhaps", "effect": "", "unknown": "1"}),
]


@pytest.mark.parametrize(("tab", "values"), HARMFUL)
def test_a_link_does_no_harm(new_visit, tab, values):
    """It is answered, or what is wrong with it is told; and the page works on."""
    visit = new_visit()
    visit.open(tab, "?" + urlencode({"tab": tab, **values}))
    page = visit.page
    if MARKUP in values.values() or MARKUP in values.get("labels", ""):
        shown = page.locator(PLACES[tab]).inner_text()
        assert "<b>굵게</b>" in shown or "<script>" in shown
    assert page.evaluate("window.harmed") is None
    assert page.locator(f"{PLACES[tab]} :is(img[src=x], script)").count() == 0
    assert visit.complaints == []
    assert visit.outside == []
    assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    other = "text-to-image" if tab != "text-to-image" else "image-to-text"
    visit.open_tab(other)
    assert visit.first(other)


def test_a_link_to_no_tab_opens_the_first(visit):
    visit.open(query="?tab=evil&labels=x&lang=xx")
    assert visit.first("image-to-text")["label"] == "고양이"
