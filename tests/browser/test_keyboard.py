"""The page without a mouse."""

from __future__ import annotations

import pytest

from tests.browser.visit import TABS

# Every control that is shown; of radio buttons and tabs, the one that Tab goes to.
_CONTROLS = """() => {
  window.controls = [...document.querySelectorAll(
    'a[href], button, input, textarea, select, summary, [tabindex]')].filter((control) =>
      control.checkVisibility({ visibilityProperty: true, opacityProperty: true })
      && control.tabIndex >= 0 && !control.disabled && control.getClientRects().length
      && !control.closest('footer') && control.type !== 'file'
      && !(control.type === 'radio' && !control.checked)
      && !(control.role === 'tab' && control.getAttribute('aria-selected') !== 'true'));
  return window.controls.map((control) => control.outerHTML.slice(0, 160));
}"""

# Which control has the focus, and whether one can see that.
_FOCUSED = """() => {
  const focused = document.activeElement;
  const outlined = [focused, focused.closest('label'), focused.parentElement].some((element) => {
    if (!element) return false;
    const style = getComputedStyle(element);
    return (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1)
      || (element === focused && style.boxShadow !== 'none' && focused.matches('input, textarea'));
  });
  return [window.controls.indexOf(focused), outlined, focused.outerHTML.slice(0, 160)];
}"""


@pytest.mark.parametrize("tab", TABS)
def test_every_control_is_reached_and_seen_to_be(visit, tab):
    page = visit.page
    visit.open(tab)
    visit.open_options("refine" if tab == "text-to-image" else "options")
    page.wait_for_timeout(300)  # they unfold slowly
    page.evaluate("document.activeElement.blur()")
    controls = page.evaluate(_CONTROLS)
    reached, unseen = set(), set()
    page.keyboard.press("Tab")
    for _ in range(2 * len(controls) + 20):
        page.keyboard.press("Tab")
        index, outlined, html = page.evaluate(_FOCUSED)
        reached.add(index)
        if not outlined and "<body" not in html:
            unseen.add(html)
    assert [controls[i] for i in range(len(controls)) if i not in reached] == []
    assert sorted(unseen) == []


def test_the_first_stop_skips_to_the_content(visit):
    page = visit.page
    page.goto(visit.space)
    page.wait_for_selector("#label-results .answer")
    page.keyboard.press("Tab")
    link = page.get_by_role("link", name=visit.text("skip"))
    assert link.evaluate("link => link === document.activeElement")
    box = link.bounding_box()
    assert box["x"] >= 0
    assert box["y"] >= 0
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#demos') !== null")
