"""One's own photos: uploaded, searched, downloaded, deleted, and never shown to anyone else."""

from __future__ import annotations

import io
import shutil
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from koclip import ImageDatabase
from tests.browser.visit import PLACES, Visit

TAB = "text-to-image"
PLACE = PLACES[TAB]


@pytest.fixture
def photos(tmp_path, examples) -> list[Path]:
    """Three pictures, and a ZIP with another, one that is broken, and enough small ones to wait."""
    files = []
    for name, file in (("로켓", "rocket"), ("커피", "coffee"), ("야옹이", "cat")):
        files.append(tmp_path / f"{name}.webp")
        shutil.copy(examples / f"{file}.webp", files[-1])
    with zipfile.ZipFile(tmp_path / "여행.zip", "w") as archive:
        archive.write(examples / "boats.webp", "호수.webp")
        archive.writestr("망가짐.jpg", b"not a picture")
        for shade in range(40):
            content = io.BytesIO()
            Image.new("RGB", (64, 64), (6 * shade,) * 3).save(content, "PNG")
            archive.writestr(f"회색 {shade}.png", content.getvalue())
    return [*files, tmp_path / "여행.zip"]


def choose_my_photos(visit: Visit) -> None:
    with visit.another_answer(TAB):
        visit.page.get_by_role("radio", name=visit.text("my_photos")).check(force=True)


def upload(visit: Visit, files: list[Path]) -> list[Path]:
    """Where the server has them."""
    page = visit.page
    with page.expect_response(lambda response: "/upload?" in response.url) as response:
        page.locator("input[type=file][multiple]").set_input_files(files)
    page.locator(".file-preview .stem", has_text=files[0].stem).wait_for()
    return [Path(path) for path in response.value.json()]


def read(visit: Visit) -> None:
    with visit.another_answer(TAB):
        visit.button("photos_index").click()


def search(visit: Visit, query: str) -> list[str]:
    visit.field("query").fill(query)
    with visit.another_answer(TAB):
        visit.field("query").press("Enter")
    return [result["title"] for result in visit.answer(TAB)["results"]]


def test_own_photos_from_upload_to_deletion(visit, photos, mini, tmp_path):
    page = visit.page
    visit.open(TAB)
    choose_my_photos(visit)
    assert page.locator(f"{PLACE} .empty").inner_text() == visit.text("photos_none")
    page.evaluate(
        "window.told = []; new MutationObserver(() => told.push(document.querySelector("
        "'#photo-status').innerText)).observe(document.querySelector('#photo-status'),"
        " { childList: true, subtree: true, characterData: true })"
    )
    uploads = upload(visit, photos)
    read(visit)
    told = page.evaluate("told")
    assert any("/ 45" in text and "%" in text for text in told)  # while it was under way
    status = page.locator("#photo-status").inner_text()
    assert visit.text("photos_ready", count=44, model="koclip-mini") in status
    assert "망가짐.jpg" in status

    assert search(visit, "로켓")[0] == "로켓.webp"
    assert search(visit, "호수의 나무배")[0] == "호수.webp"
    picture = page.locator(f"{PLACE} figure img").first
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100

    with page.expect_download() as download:
        visit.page.get_by_text(visit.text("photos_download")).click()
    with zipfile.ZipFile(download.value.path()) as archive:
        archive.extractall(tmp_path / "downloaded")
    database = ImageDatabase.open(tmp_path / "downloaded")
    assert len(database) == 44
    assert database.search(mini, "커피 한 잔", k=1)[0].item.title == "커피.webp"

    other = page.context.new_page()  # the same browser, another session
    other_visit = Visit(other, visit.space, visit.language)
    other_visit.open(TAB)
    choose_my_photos(other_visit)
    assert other.locator(f"{PLACE} .empty").inner_text() == visit.text("photos_none")
    (others_upload,) = upload(other_visit, photos[:1])  # the same picture

    with visit.another_answer(TAB):
        visit.button("photos_forget").click()
    assert page.locator(f"{PLACE} .empty").inner_text() == visit.text("photos_none")
    assert page.locator("#photo-status").inner_text() == visit.text("photos_forgotten")
    assert not any(path.exists() for path in uploads) and others_upload.exists()
    read(other_visit)
    assert other_visit.answer(TAB)["results"][0]["title"] == "로켓.webp"
    other.close()


def test_files_that_cannot_be_read_are_told_in_english_too(new_visit, tmp_path):
    visit = new_visit(language="en")
    visit.open(TAB)
    choose_my_photos(visit)
    (tmp_path / "broken.jpg").write_bytes(b"not a picture")
    page = visit.page
    upload(visit, [tmp_path / "broken.jpg"])
    visit.button("photos_index").click()
    assert page.locator("#photo-status [role=alert]").inner_text()
    assert visit.problems() == []
