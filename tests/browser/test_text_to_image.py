"""Text to Image as visitors use it."""

from __future__ import annotations

import pytest

from tests.browser.visit import PLACES

TAB = "text-to-image"
PLACE = PLACES[TAB]


@pytest.fixture
def tab(visit):
    visit.open(TAB)
    return visit


def captions(visit) -> list[str]:
    return [result["caption_ko"] for result in visit.answer(TAB)["results"]]


def test_enter_searches(tab):
    tab.field("query").fill("자전거")
    with tab.another_answer(TAB):
        tab.field("query").press("Enter")
    assert "자전거" in captions(tab)[0]
    cards = tab.page.locator(f"{PLACE} figure")
    assert cards.count() == 12
    assert captions(tab)[0] in cards.first.inner_text()
    picture = cards.first.locator("img")
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    assert picture.get_attribute("alt") == captions(tab)[0]
    assert tab.first(TAB)["author"] in cards.first.locator("small").inner_text()


def test_an_example_is_searched_when_pressed(tab):
    with tab.another_answer(TAB):
        tab.choice("눈 덮인 산").click()
    tab.wait_for_value("query", "눈 덮인 산")
    assert "산" in captions(tab)[0]


def test_more_pictures_like_one_that_was_found(tab):
    cat, kitten = captions(tab)[0], captions(tab)[2]
    assert "아기 고양이" in kitten
    with tab.another_answer(TAB):
        tab.page.get_by_role("button", name=f"{tab.text('more_like_this')}: {kitten}").click()
    assert kitten in tab.page.locator(f"{PLACE} h3").inner_text()
    assert "고양이" in captions(tab)[0]
    assert kitten not in captions(tab)  # that it is like itself is no news
    with tab.another_answer(TAB):  # and words count again when they are searched for
        tab.field("query").press("Enter")
    assert captions(tab)[0] == cat


def test_things_to_add_and_to_leave_out(tab):
    tiger = next(caption for caption in captions(tab) if "호랑이" in caption)
    tab.open_options("refine")
    tab.field("plus").fill("토끼")
    with tab.another_answer(TAB):
        tab.field("plus").press("Enter")
    assert "토끼" in captions(tab)[0]
    tab.field("plus").fill("")
    tab.field("minus").fill("호랑이")
    with tab.another_answer(TAB):
        tab.field("minus").press("Enter")
    assert "고양이" in captions(tab)[0]
    assert tiger not in captions(tab)
    assert "− 호랑이" in tab.page.locator(f"{PLACE} h3").inner_text()


def test_a_picture_is_a_query_too(tab, examples):
    tab.open_options("refine")
    tab.upload(examples / "rocket.webp")
    tab.field("query").fill("")
    tab.page.get_by_label("몇 장 볼까요").first.fill("4")
    with tab.another_answer(TAB):
        tab.button("search").click()
    assert "로켓" in captions(tab)[0]
    assert len(captions(tab)) == 4


def test_a_search_for_nothing_is_told_in_the_place_of_the_answer(tab):
    tab.field("query").fill("  ")
    with tab.another_answer(TAB):
        tab.button("search").click()
    assert tab.page.locator(f"{PLACE} [role=alert]").inner_text()
    assert tab.page.locator(f"{PLACE} figure").count() == 0
