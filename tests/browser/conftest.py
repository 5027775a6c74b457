"""A headless Chromium, and visits to the running app in it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.browser.visit import Visit

# A sandbox cannot be had as root, which containers run as.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
DESKTOP, PHONE = (1280, 900), (390, 844)


# Not for the whole session: while it is open, no other test could run an event loop.
@pytest.fixture(scope="package")
def browser() -> Iterator:
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs pip install playwright")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("needs Chromium: apt-get install chromium fonts-nanum")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="package")
def new_visit(browser, space) -> Iterator[Callable[..., Visit]]:
    """Opens a visitor's own browser: nothing is shared with other visits."""
    with visits_to(space, browser) as new:
        yield new


@contextmanager
def visits_to(space: str, browser) -> Iterator[Callable[..., Visit]]:
    """`new_visit` of any Space."""
    contexts = []

    def new(size: tuple[int, int] = DESKTOP, language: str = "ko", scheme: str = "light") -> Visit:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            locale={"ko": "ko-KR", "en": "en-US"}[language],
            color_scheme=scheme,
        )
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        contexts.append(context)
        return Visit(context.new_page(), space, language)

    yield new
    for context in contexts:
        context.close()


@pytest.fixture
def visit(new_visit) -> Iterator[Visit]:
    """A visit in Korean at a desk; at the end nothing may be amiss."""
    visit = new_visit()
    yield visit
    assert visit.problems() == []
    visit.page.context.close()
