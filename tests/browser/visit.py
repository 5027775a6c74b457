"""One open page: what a visitor does on it, and all that it must never do meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from koclip.ui.texts import say
from tests.browser.page_texts import untranslated

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

PLACES = {
    "image-to-text": "#label-results",
    "text-to-image": "#image-results",
    "text-to-patch": "#patch-results",
}
"""Where each tab shows its answer."""
TABS = tuple(PLACES)
PATIENCE = 60_000  # milliseconds: a model may have to be compiled first


class Visit:
    """A page, everything it complained about, and everything it asked other machines for."""

    def __init__(self, page: Page, space: str, language: str) -> None:
        self.page = page
        self.space = space
        self.language = language
        self.complaints: list[str] = []
        self.outside: list[str] = []
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._hear)
        page.on("request", lambda request: self._notice(request.url))

    def _hear(self, message) -> None:
        if message.type == "error":
            self.complaints.append(f"{message.text} ({message.location.get('url')})")

    def _notice(self, url: str) -> None:
        if not url.startswith((self.space, "data:", "blob:")):
            self.outside.append(url)

    def open(self, tab: str = "image-to-text", query: str = "") -> None:
        """Goes to the page, or to a link to it, and waits for the first answer on `tab`."""
        if self.page.url == "about:blank":
            self.page.goto(self.space + query)
        else:
            self.leave(lambda: self.page.goto(self.space + query))
        self.open_tab(tab)

    def leave(self, navigate: Callable[[], object]) -> None:
        """Goes to another page; nothing may be amiss on this one until then.

        Gradio's front end complains when its stream is cut by that, now and then.
        """
        assert self.complaints == []
        navigate()
        self.complaints.clear()

    def open_tab(self, tab: str) -> None:
        """Shows the tab and waits until it has answered, or said why it cannot."""
        self.page.locator(f"[role=tab][data-tab-id={tab}]").click()
        self.page.wait_for_selector(f"{PLACES[tab]} :is(.answer, .failure)")
        self._wait_for_inputs()

    def text(self, key: str, **values: object) -> str:
        """What the page calls `key` in the visitor's language."""
        return say(key, self.language, **values)

    def field(self, key: str) -> Locator:
        """The input that is labelled `key`, on the tab that is shown."""
        return self.page.get_by_label(self.text(key)).locator("visible=true").first

    def wait_for_value(self, key: str, value: str) -> None:
        """Waits until the input `key` holds `value`: it may come a moment after the answer."""
        from playwright.sync_api import expect

        expect(self.field(key)).to_have_value(value, timeout=PATIENCE)

    def button(self, key: str) -> Locator:
        """The button that says `key`, on the tab that is shown."""
        name = self.text(key)
        return self.page.get_by_role("button", name=name, exact=True).locator("visible=true").first

    def choice(self, choice: str) -> Locator:
        """The button of a choice among examples, sets and results that are shown."""
        return self.page.locator(f'button[data-choice="{choice}"]').locator("visible=true").first

    def open_options(self, key: str = "options") -> None:
        """Unfolds the inputs below `key`."""
        text = self.text(key)
        fold = self.page.locator("button.label-wrap", has_text=text).locator("visible=true")
        fold.click()
        fold.locator("xpath=following-sibling::*[1]").wait_for()
        self._wait_for_inputs()

    def _wait_for_inputs(self) -> None:
        """Waits until inputs that have just been shown keep what is put into them.

        Gradio's front end gives them their first values once more, a frame after they are there:
        too soon for a hand, but not for a test.
        """
        frames = "new Promise((done) => { let n = 4; (function next() {"
        frames += " n-- ? requestAnimationFrame(next) : setTimeout(done, 100); })(); })"
        self.page.evaluate(frames)

    def answer(self, tab: str) -> dict:
        """The answer that is shown on the tab, as its buttons save it."""
        found = self.page.locator(f"{PLACES[tab]} .answer").get_attribute("data-answer")
        return json.loads(found)

    def first(self, tab: str) -> dict:
        """The best result that is shown on the tab."""
        return self.answer(tab)["results"][0]

    @contextmanager
    def another_answer(self, tab: str) -> Iterator[None]:
        """Waits until what the body does has changed the answer on the tab."""
        place = f"{PLACES[tab]} [aria-live]"
        before = self.page.inner_html(place)
        yield
        self.page.wait_for_function(
            "([place, before]) => document.querySelector(place).innerHTML !== before",
            arg=[place, before],
        )

    def upload(self, picture: Path) -> None:
        """Puts a picture into the picture input of the tab that is shown."""
        block = self.page.locator("[data-testid=image]").locator("visible=true").first
        with self.page.expect_response(lambda response: "/upload" in response.url):
            block.locator("input[type=file]").first.set_input_files(picture)
        block.locator(f"img[src$='{picture.name}']").wait_for()

    def download(self, form: str, tab: str) -> bytes:
        """The file that one of the answer's buttons saves."""
        with self.page.expect_download() as download:
            self.page.locator(f"{PLACES[tab]} [data-do={form}]").click()
        assert download.value.suggested_filename == f"koclip.{form}"
        return Path(download.value.path()).read_bytes()

    def problems(self) -> list[str]:
        """What must not be, whatever was done: an empty list."""
        sideways = self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
        return [
            *(f"complaint: {complaint}" for complaint in self.complaints),
            *(f"asked of another machine: {url}" for url in self.outside),
            *(f"not translated: {text}" for text in untranslated(self.page, self.language)),
            *(["the page scrolls sideways"] if sideways else []),
        ]
