"""Text to Patch as visitors use it."""

from __future__ import annotations

import pytest
from PIL import Image

from tests.browser.visit import PLACES

TAB = "text-to-patch"
PLACE = PLACES[TAB]


@pytest.fixture
def tab(visit):
    visit.open(TAB)
    return visit


@pytest.fixture
def cat_and_coffee(examples, tmp_path):
    """A kitten on the left, a cup of coffee on the right."""
    halves = Image.new("RGB", (800, 400))
    for left, name in ((0, "cat"), (400, "coffee")):
        half = Image.open(examples / f"{name}.webp").convert("RGB").resize((400, 400))
        halves.paste(half, (left, 0))
    halves.save(tmp_path / "halves.png")
    return tmp_path / "halves.png"


def shown_boxes(visit):
    return visit.page.locator(f"{PLACE} .stage .box").locator("visible=true")


def centre(box) -> float:
    """Where the middle of a box is, from the left edge of the picture (0) to the right (1)."""
    return box.evaluate("box => parseFloat(box.style.left) + parseFloat(box.style.width) / 2") / 100


def test_each_of_several_queries_points_at_its_place(tab, cat_and_coffee):
    tab.upload(cat_and_coffee)
    tab.field("queries").fill("고양이, 커피")
    with tab.another_answer(TAB):
        tab.field("queries").press("Enter")
    cat, coffee = (
        tab.page.locator(f"{PLACE} [data-do=query]", has_text=query) for query in ("고양이", "커피")
    )
    best = tab.page.locator(f"{PLACE} .stage .box.rank-1").locator("visible=true")
    assert best.count() == 1
    assert centre(best) < 0.5
    assert cat.get_attribute("aria-pressed") == "true"
    coffee.click()
    assert centre(best) > 0.5
    assert (cat.get_attribute("aria-pressed"), coffee.get_attribute("aria-pressed")) == (
        "false",
        "true",
    )
    assert tab.text("link_without_picture") in tab.page.locator(PLACE).inner_text()


def test_heat_and_numbers_can_be_taken_away(tab):
    heat = tab.page.locator(f"{PLACE} .stage .heat")
    for layer, parts in (("heat", heat), ("boxes", shown_boxes(tab))):
        button = tab.page.locator(f"{PLACE} [data-layer={layer}]")
        assert parts.first.is_visible()
        button.click()
        assert parts.count() == 0 or not parts.first.is_visible()
        assert button.get_attribute("aria-pressed") == "false"
        button.click()
        assert parts.first.is_visible()


def test_an_example_picture_brings_its_query(tab):
    with tab.another_answer(TAB):
        tab.choice("cat.webp").click()
    tab.wait_for_value("queries", "고양이 얼굴")
    assert tab.first(TAB)["query"] == "고양이 얼굴"


def test_the_grid_and_its_options_are_kept_to(tab):
    tab.open_options()
    for key, value in (("rows", "2"), ("columns", "3"), ("overlap", "0"), ("scales", "1")):
        tab.field(key).fill(value)
    tab.field("contrast").fill("하늘")
    with tab.another_answer(TAB):
        tab.button("rank").click()
    results = tab.answer(TAB)["results"]
    assert sorted((tile["row"], tile["column"]) for tile in results) == [
        (row, column) for row in range(2) for column in range(3)
    ]
    assert results[0]["row"] == 1  # the boats are below the sky


def test_a_tile_tells_what_it_is_by_mouse_and_by_keyboard(tab, cat_and_coffee):
    page = tab.page
    tab.upload(cat_and_coffee)
    tab.field("queries").fill("고양이, 커피")
    with tab.another_answer(TAB):
        tab.button("rank").click()
    # Boxes may lie under another: the one on top, by its number.
    shown_boxes(tab).last.locator("span").click()
    names = page.locator("#tile-name .scores .label")
    names.get_by_text("고양이").first.wait_for()

    page.locator(f"{PLACE} [data-do=query]", has_text="커피").focus()
    page.keyboard.press("Enter")
    for _ in range(30):  # through the switches and the frames to the tiles
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('.tiles') !== null"):
            break
    page.keyboard.press("Enter")
    names.get_by_text("커피").first.wait_for()

    named = names.first.inner_text()
    tab.button("open_in_image_to_text").click()
    tab.page.locator(f"{PLACES['image-to-text']} .label").first.get_by_text(named).wait_for()
    assert page.locator("[role=tab][aria-selected=true]").inner_text() == tab.text("image_to_text")


@pytest.mark.parametrize(("key", "value"), [("queries", " , "), ("rows", "16")])
def test_a_mistake_is_told_in_the_place_of_the_answer(tab, key, value):
    """No query, or too many tiles."""
    tab.open_options()
    tab.field(key).fill(value)
    if key == "rows":
        tab.field("columns").fill("16")
        tab.field("scales").fill("3")
        tab.field("overlap").fill("0.75")
    with tab.another_answer(TAB):
        tab.button("rank").click()
    assert tab.page.locator(f"{PLACE} [role=alert]").inner_text()
    assert shown_boxes(tab).count() == 0
