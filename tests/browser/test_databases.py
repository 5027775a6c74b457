"""A Space with several databases: chosen by keyboard, kept in links and files, on a phone too."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil

from koclip import ImageDatabase
from tests.browser.conftest import DESKTOP, PHONE, visits_to
from tests.browser.visit import PLACES
from tests.space import running_space

TAB = "text-to-image"
LONG = "seoul-museum/a-collection-of-photographs-with-a-very-long-name"


def test_databases_are_chosen_linked_and_saved(browser, mini, examples, tmp_path):
    for name, file in (("여행", "boats"), ("photo", "cat")):  # "photo" is on the page, too
        (tmp_path / name).mkdir()
        shutil.copy(examples / f"{file}.webp", tmp_path / name)
        ImageDatabase.build(mini, tmp_path / name)
    databases = f"{tmp_path / '여행'},hub:{LONG},{tmp_path / 'photo'}"
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "KOCLIP_DATABASE": databases}
    with (
        running_space(tmp_path / "app.log", environment) as space,
        visits_to(space, browser) as new_visit,
    ):
        visit = new_visit(DESKTOP)
        visit.open(TAB)
        assert visit.answer(TAB)["database"] == "여행"
        options = visit.page.locator(".many label")
        offered = ["여행", LONG, "photo", visit.text("gallery"), visit.text("my_photos")]
        assert options.all_inner_texts() == offered

        chosen = visit.page.get_by_role("radio", name="여행")
        chosen.focus()
        with visit.another_answer(TAB):
            chosen.press("ArrowRight")
        told = visit.page.locator(f"{PLACES[TAB]} [role=alert]").inner_text()
        assert LONG in told and "HF_HUB_OFFLINE" in told
        with visit.another_answer(TAB):
            visit.page.keyboard.press("ArrowRight")
        answer = visit.answer(TAB)
        assert answer["database"] == "photo" and answer["results"][0]["id"] == "cat.webp"
        assert "database='photo'" in visit.page.locator(f"{PLACES[TAB]} pre").text_content()
        assert json.loads(visit.download("json", TAB))["database"] == "photo"
        rows = csv.DictReader(io.StringIO(visit.download("csv", TAB).decode("utf-8-sig")))
        assert [row["database"] for row in rows] == ["photo"]
        visit.page.wait_for_url("**database=photo*")

        guest = new_visit(PHONE, "en")
        guest.open(TAB, visit.page.url.removeprefix(space))
        assert guest.answer(TAB) == answer
        assert guest.page.get_by_role("radio", name="photo", exact=True).is_checked()
        with guest.another_answer(TAB):
            guest.page.get_by_role("radio", name=guest.text("gallery")).check(force=True)
        assert guest.first(TAB)["caption_en"]
        names = ("여행", "photo", "webp")  # are the same in both languages
        problems = [*visit.problems(), *guest.problems()]
        assert [p for p in problems if not any(name in p for name in names)] == []
