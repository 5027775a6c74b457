"""The words on the page that are not in the language that it is shown in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from koclip.ui.texts import I18N, TEXTS

if TYPE_CHECKING:
    from playwright.sync_api import Page

# Every text and every description that a visitor sees or hears; not what is data: labels,
# what was searched for, credits, code, and the names of the languages themselves.
_TEXTS = """() => {
  const data = 'script, style, pre, nav [lang], .scores .label, .answer h3, figcaption small,'
    + ' [data-do=query]';
  const seen = (element) => element.checkVisibility(
    { visibilityProperty: true, opacityProperty: true }) && !element.closest(data);
  const found = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode;
    if (text.data.trim() && seen(text.parentElement)) found.add(text.data.trim());
  }
  for (const name of ['placeholder', 'aria-label', 'title', 'alt'])
    for (const element of document.querySelectorAll(`[${name}]`))
      if (element.getAttribute(name).trim() && seen(element))
        found.add(element.getAttribute(name).trim());
  const typed = [...document.querySelectorAll('textarea, input')].map((input) => input.value);
  return [[...found], typed];
}"""

_NAMES = re.compile(
    r"KoCLIP|koclip-\w+|koclip/|Gradio|Hub|API|MCP|JSON|CSV|PNG|JPEG|WebP|ZIP|softmax|Enter|KB|MB"
    r"|HF_HUB_OFFLINE|\.[a-z]{3,4}\b"
)
_TRANSLATED = re.compile(r"[가-힣][가-힣 ,]* \([a-zA-Z ,]+\)")  # 배, 하늘 (boats, sky)
_GRADIO_KEY = re.compile(r"(common|image|file|upload_text|interface|errors)\.[a-z_]+")
_RAW_KEYS = {I18N(key).key for key in TEXTS}


def untranslated(page: Page, language: str) -> list[str]:
    """Texts that a reader of `language` ("ko" or "en") would stumble over."""
    texts, typed = page.evaluate(_TEXTS)
    words = {word.strip() for value in typed for word in re.split(r"[,\n]", value)} - {""}
    return [text for text in texts if _is_foreign(text, language, words)]


def _is_foreign(text: str, language: str, typed: set[str]) -> bool:
    if "__i18n" in text or text in _RAW_KEYS or _GRADIO_KEY.fullmatch(text):
        return True
    for word in sorted(typed, key=len, reverse=True):  # quoted in descriptions
        text = text.replace(word, "")
    if language == "ko":
        return re.search(r"[A-Za-z]{2,}", _NAMES.sub("", text)) is not None
    return re.search("[가-힣]", _TRANSLATED.sub("", text)) is not None
