"""The page in a real browser: every tab answers, at desktop and phone width, in two languages."""

from __future__ import annotations

import shutil

import pytest

from koclip.assets import assets_dir

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install it")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium: apt-get install chromium fonts-nanum"
)

WIDTHS = {"desktop": (1280, 900), "phone": (390, 844)}
# A sandbox cannot be had as root, which containers run as.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


class Visit:
    """One open page, and everything it complained about or asked other machines for."""

    def __init__(self, page, space: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.outside: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._hear)
        page.on("request", lambda request: self._notice(request.url, space))
        page.goto(space)

    def _hear(self, message) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def _notice(self, url: str, space: str) -> None:
        if not url.startswith((space, "data:", "blob:")):
            self.outside.append(url)

    def open_tab(self, number: int) -> None:
        self.page.get_by_role("tab").nth(number).click()

    def wait_for(self, selector: str) -> None:
        self.page.wait_for_selector(selector, timeout=60_000)


@pytest.fixture(params=WIDTHS)
def visit(request, browser, space):
    width, height = WIDTHS[request.param]
    context = browser.new_context(viewport={"width": width, "height": height}, locale="ko-KR")
    visit = Visit(context.new_page(), space)
    yield visit
    context.close()
    assert visit.complaints == []
    assert visit.outside == []


def no_sideways_scrolling(page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_image_to_text(visit):
    page = visit.page
    visit.wait_for("#label-results .scores li")
    page.get_by_label("레이블").fill("로켓\n고양이\n커피")
    page.get_by_role("button", name="무엇인지 알아보기").click()
    page.wait_for_function("document.querySelectorAll('#label-results li').length === 3")
    assert no_sideways_scrolling(page)

    page.locator("input[type=file]").first.set_input_files(assets_dir() / "examples/coffee.webp")
    page.wait_for_timeout(1500)
    page.get_by_role("button", name="무엇인지 알아보기").click()
    page.wait_for_function(
        "document.querySelector('#label-results li .label')?.textContent === '커피'"
    )


def test_text_to_image(visit):
    page = visit.page
    visit.open_tab(1)
    visit.wait_for("#image-results figure img")
    query = page.get_by_role("tabpanel").get_by_label("찾을 것").locator("visible=true")
    query.fill("자전거")
    query.press("Enter")
    page.wait_for_function(
        "document.querySelector('#image-results figcaption')?.textContent.includes('자전거')"
    )
    picture = page.locator("#image-results img").first
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    assert picture.get_attribute("alt")
    assert no_sideways_scrolling(page)


def test_text_to_patch(visit):
    page = visit.page
    visit.open_tab(2)
    visit.wait_for("#heatmap img")
    before = page.locator("#heatmap img").get_attribute("src")
    page.get_by_label("찾을 것").locator("visible=true").fill("그릇")
    page.get_by_role("button", name="찾아보기").click()
    page.wait_for_function(
        "before => document.querySelector('#heatmap img')?.src && "
        "document.querySelector('#heatmap img').getAttribute('src') !== before",
        arg=before,
    )
    visit.wait_for("#best-patches img")
    assert no_sideways_scrolling(page)


def test_examples_run_when_clicked(visit):
    page = visit.page
    visit.open_tab(1)
    visit.wait_for("#image-results figure")
    page.get_by_role("button", name="커피 한 잔").click()
    page.wait_for_function(
        "document.querySelector('#image-results figcaption')?.textContent.includes('커피')"
    )


def test_a_mistake_is_explained(visit):
    page = visit.page
    visit.wait_for("#label-results .scores li")
    page.get_by_label("레이블").fill("")
    page.get_by_role("button", name="무엇인지 알아보기").click()
    visit.wait_for("text=비교할 레이블이 없습니다")
    # the old answer does not stay behind as if it were the new one
    visit.wait_for("#label-results .empty")


def test_english_visitors_read_english(browser, space):
    context = browser.new_context(locale="en-US")
    visit = Visit(context.new_page(), space)
    visit.wait_for("text=Image → Text")
    visit.wait_for("#label-results .scores li")
    page = visit.page
    page.get_by_label("Labels").fill("")
    page.get_by_role("button", name="Classify").click()
    visit.wait_for("text=There are no labels to compare")
    assert visit.complaints == []
    context.close()
