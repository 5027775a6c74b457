"""The switches of language and colour scheme."""

from __future__ import annotations

from tests.browser.visit import TABS


def background(visit) -> str:
    return visit.page.evaluate(
        "getComputedStyle(document.querySelector('gradio-app')).backgroundColor"
    )


def test_the_language_switch_keeps_inputs_and_answer(new_visit):
    visit = new_visit(language="ko")
    visit.open("text-to-patch")
    visit.field("queries").fill("하늘")
    with visit.another_answer("text-to-patch"):
        visit.button("rank").click()
    before = visit.answer("text-to-patch")
    assert visit.problems() == []

    def switch() -> None:
        with visit.page.expect_navigation():
            visit.page.get_by_role("button", name="English").click()

    visit.leave(switch)
    visit.language = "en"
    visit.page.wait_for_selector("#patch-results .answer", state="visible")
    visit.wait_for_value("queries", "하늘")
    assert visit.answer("text-to-patch") == before
    assert visit.problems() == []

    visit.open()  # and it is remembered
    for tab in TABS:
        visit.open_tab(tab)
        assert visit.problems() == []


def test_the_colour_switch_is_remembered(visit):
    visit.open()
    light = background(visit)
    switch = visit.page.get_by_role("button", name=visit.text("theme_switch"))
    switch.click()
    dark = background(visit)
    assert dark != light
    visit.open()
    assert background(visit) == dark
    switch.click()
    assert background(visit) == light
