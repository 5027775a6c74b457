"""Makes the pictures of the README: a screenshot of each tab, and a short animated tour.

    pip install -r requirements.txt playwright && python docs/tour.py

It starts the app, drives it in headless Chromium (`apt-get install chromium fonts-nanum`) and
writes WebP files into docs/images.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs/images"
ADDRESS = "http://127.0.0.1:7899/"
DESKTOP, PHONE = (1280, 860), (390, 844)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
TOUR_WIDTH = 800  # pixels of the animation
SHORT, LONG = 900, 2200  # milliseconds that a frame stays


@contextmanager
def running_app() -> Iterator[None]:
    environment = os.environ | {"GRADIO_SERVER_PORT": "7899", "HF_HUB_OFFLINE": "1"}
    app = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environment)
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(ADDRESS, timeout=5).close()
                break
            except OSError:
                time.sleep(0.5)
        yield
    finally:
        app.terminate()
        app.wait()


def steps(page: Page) -> Iterator[int]:
    """What the tour shows; yields how long each moment stays."""
    page.locator("#label-results .scores li").first.wait_for(timeout=90_000)
    yield LONG
    page.locator("button[data-choice='coffee.webp']:visible").click()
    page.get_by_role("button", name="무엇일까?").click()
    page.locator("#label-results li .label", has_text="커피").first.wait_for()
    yield LONG
    page.get_by_role("tab").nth(1).click()
    query = page.get_by_label("찾을 것", exact=True).locator("visible=true")
    yield SHORT
    query.fill("눈 덮인 산")
    yield SHORT
    query.press("Enter")
    page.locator("#image-results h3", has_text="눈 덮인 산").wait_for()
    settle(page)
    yield LONG
    page.locator("#image-results figure button").first.click()
    page.locator("#image-results h3", has_text="비슷한").wait_for()
    settle(page)
    yield LONG
    page.get_by_role("tab").nth(2).click()
    page.locator(".stage .box").first.wait_for()
    yield LONG
    page.locator("#patch-results .box.rank-1").first.click()
    page.locator("#tile-name .scores li").first.wait_for()
    page.locator("#tile-name").scroll_into_view_if_needed()
    yield LONG


def settle(page: Page) -> None:
    """Waits for pictures and for the page to come to rest."""
    page.wait_for_function(
        "[...document.images].every((image) => image.complete || !image.offsetParent"
        " || image.getBoundingClientRect().top > innerHeight)"  # those load when scrolled to
    )
    page.wait_for_timeout(600)


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with running_app(), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)

        def visit(size: tuple[int, int], **options: str) -> Page:
            viewport = {"width": size[0], "height": size[1]}
            page = browser.new_context(viewport=viewport, **options).new_page()
            page.goto(ADDRESS)
            return page

        tour(visit(DESKTOP, locale="ko-KR"))
        screenshots(visit)
        browser.close()


def tour(page: Page) -> None:
    frames, durations = [], []
    for duration in steps(page):
        frame = Image.open(io.BytesIO(page.screenshot()))
        frames.append(frame.convert("RGB").resize(_fitting(frame, TOUR_WIDTH)))
        durations.append(duration)
    options = {"save_all": True, "append_images": frames[1:], "duration": durations, "loop": 0}
    frames[0].save(IMAGES / "tour.webp", quality=72, method=6, **options)


def screenshots(visit: Callable[..., Page]) -> None:
    """Each tab on a desktop in Korean; the phone in English and dark."""
    shown = ["#label-results .scores li", "#image-results figure img", ".stage .box"]
    names = ["image-to-text", "text-to-image", "text-to-patch"]
    desktop = visit(DESKTOP, locale="ko-KR")
    phone = visit(PHONE, locale="en-US", color_scheme="dark")
    for number, (name, selector) in enumerate(zip(names, shown, strict=True)):
        for page, suffix in ((desktop, ""), (phone, "-phone")):
            page.get_by_role("tab").nth(number).click()
            page.locator(selector).first.wait_for(timeout=90_000)
            if suffix:  # below the inputs
                page.locator(selector).first.evaluate(
                    "found => found.closest('section').scrollIntoView()"
                )
            settle(page)
            shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            shot.save(IMAGES / f"{name}{suffix}.webp", quality=80, method=6)


def _fitting(image: Image.Image, width: int) -> tuple[int, int]:
    return width, round(image.height * width / image.width)


if __name__ == "__main__":
    main()
