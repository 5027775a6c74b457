"""Image to Text as visitors use it."""

from __future__ import annotations

import pytest

from koclip.label_sets import label_set
from tests.browser.visit import PLACES

TAB = "image-to-text"
PLACE = PLACES[TAB]


@pytest.fixture
def tab(visit):
    visit.open(TAB)
    return visit


def labels_shown(visit) -> list[str]:
    """The labels that can be read in the answer, the best first."""
    return visit.page.locator(f"{PLACE} .scores .label").all_inner_texts()


def test_own_labels_for_an_uploaded_picture(tab, examples):
    tab.upload(examples / "rocket.webp")
    tab.field("labels").fill("등대, 로켓\n가로등")
    with tab.another_answer(TAB):
        tab.button("classify").click()
    assert labels_shown(tab)[0] == "로켓"
    assert sorted(labels_shown(tab)) == sorted(["등대", "로켓", "가로등"])
    shares = [result["probability"] for result in tab.answer(TAB)["results"]]
    assert sum(shares) == pytest.approx(1, abs=1e-4)
    bars = tab.page.locator(f"{PLACE} .bar i")
    full = bars.first.evaluate("bar => bar.parentElement.clientWidth")
    assert bars.first.evaluate("bar => bar.clientWidth") == pytest.approx(full * shares[0], abs=3)


def test_an_example_picture_brings_its_labels_and_is_answered(tab):
    with tab.another_answer(TAB):
        tab.choice("coffee.webp").click()
    assert labels_shown(tab)[0] == "커피"
    assert tab.field("labels").input_value().splitlines()[0] == "커피"


def test_a_ready_set_fills_the_labels(tab):
    with tab.another_answer(TAB):
        tab.choice("animals").click()
    words = [label.ko for label in label_set("animals")]
    assert tab.field("labels").input_value().splitlines() == words
    assert labels_shown(tab)[0] == "고양이"
    assert len(tab.answer(TAB)["results"]) == len(words)
    assert tab.page.locator(f"{PLACE} .scores").first.locator("li").count() == 10
    tab.page.locator(f"{PLACE} details.more summary").click()  # the rest is folded
    assert tab.page.locator(f"{PLACE} .scores li").last.is_visible()


def test_what_is_it_needs_no_labels(tab):
    with tab.another_answer(TAB):
        tab.button("name_it").click()
    assert "고양이" in labels_shown(tab)[0]
    assert "낱말 가운데서" in tab.page.locator(f"{PLACE} .notice").inner_text()


def test_labels_that_do_not_fit_are_called_that(tab):
    tab.field("labels").fill("비행기\n냉장고\n지하철")
    with tab.another_answer(TAB):
        tab.button("classify").click()
    assert tab.text("none_fits") in tab.page.locator(f"{PLACE} .notice").all_inner_texts()
    assert tab.answer(TAB)["fits"] is False


def test_the_template_is_previewed_and_its_effect_shown(tab):
    tab.open_options()
    tab.field("template").fill("{}의 사진.\n{} 그림")
    preview = tab.page.locator("#template-preview .note")
    preview.get_by_text("고양이의 사진. / 고양이 그림").wait_for()
    tab.field("template_effect").check()
    with tab.another_answer(TAB):
        tab.button("classify").click()
    assert tab.page.locator(f"{PLACE} .scores li .bare").count() == 5
    assert tab.page.locator(f"{PLACE} .scores li", has_text="틀 없이").count() == 5


def test_without_softmax_the_cosines_are_the_figures(tab):
    tab.open_options()
    tab.field("softmax").uncheck()
    with tab.another_answer(TAB):
        tab.button("classify").click()
    first = tab.first(TAB)
    assert first["probability"] is None
    shown = tab.page.locator(f"{PLACE} .figure b").first.inner_text()
    assert shown == f"{first['cosine']:.3f}"


def test_models_side_by_side_and_one_that_is_out_of_reach(tab):
    """There is no Hub here: koclip-mini answers, and the page says why koclip-base does not."""
    tab.open_options()
    tab.page.get_by_role("checkbox", name="koclip-base").check()
    mini, base = (tab.page.locator(f"{PLACE} .column").nth(i) for i in (0, 1))
    with tab.another_answer(TAB):
        tab.button("classify").click()
    assert mini.locator("h3").inner_text() == "koclip-mini"
    assert mini.locator(".scores .label").first.inner_text() == "고양이"
    assert base.locator("h3").inner_text() == "koclip-base"
    while "여는 중" in base.locator(".notice").inner_text():  # a moment, until it has failed
        with tab.another_answer(TAB):
            tab.page.wait_for_timeout(300)
            tab.button("classify").click()
            tab.page.wait_for_timeout(700)
    assert "koclip-base" in base.locator(".notice").inner_text()


def test_a_model_out_of_reach_is_explained_where_it_is_chosen(tab):
    tab.page.get_by_role("radio", name="koclip-large").check(force=True)
    status = tab.page.locator("#model-status")
    status.get_by_text("koclip-mini로 답했습니다").wait_for()
    with tab.another_answer(TAB):
        tab.button("classify").click()
    assert "koclip-large" in tab.page.locator(f"{PLACE} .notice").inner_text()
    assert tab.answer(TAB)["model"] == "koclip-mini"
    assert labels_shown(tab)[0] == "고양이"


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [("labels", " ,\n", "레이블"), ("template", "자리가 없는 문장", "{}")],
)
def test_a_mistake_is_told_in_the_place_of_the_answer(tab, key, value, told):
    tab.open_options()
    tab.field(key).fill(value)
    with tab.another_answer(TAB):
        tab.button("classify").click()
    assert told in tab.page.locator(f"{PLACE} [role=alert]").inner_text()
    assert labels_shown(tab) == []  # the old answer does not stay as if it were the new one


def test_a_file_that_is_no_picture_is_told(tab, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"not a picture")
    with tab.page.expect_response(lambda response: "/upload" in response.url):
        tab.page.locator("[data-testid=image] input[type=file]").first.set_input_files(broken)
    tab.page.wait_for_function(
        "() => document.querySelector('[data-testid=image] img')?.src.includes('broken')"
    )
    with tab.another_answer(TAB):
        tab.button("classify").click()
    assert "사진" in tab.page.locator(f"{PLACE} [role=alert]").inner_text()
    assert labels_shown(tab) == []


def test_mistakes_are_told_in_english_to_those_who_read_it(new_visit):
    visit = new_visit(language="en")
    visit.open(TAB)
    visit.field("labels").fill("")
    with visit.another_answer(TAB):
        visit.button("classify").click()
    assert "labels" in visit.page.locator(f"{PLACE} [role=alert]").inner_text()
    assert visit.problems() == []
