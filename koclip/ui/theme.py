"""Colours and fonts. Only fonts that are already on the visitor's machine: nothing is fetched."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

_FONTS = [
    "Pretendard",
    "Apple SD Gothic Neo",
    "Noto Sans KR",
    "Malgun Gothic",
    "NanumGothic",
    "system-ui",
    "sans-serif",
]

CSS = Path(__file__).with_name("style.css").read_text(encoding="utf-8")


def make_theme() -> gr.themes.Base:
    """Indigo on quiet grey, with large, calm shapes."""
    theme = gr.themes.Soft(
        primary_hue="indigo",
        secondary_hue="indigo",
        neutral_hue="slate",
        radius_size="lg",
        font=_FONTS,
        font_mono=["ui-monospace", "Menlo", "Consolas", "monospace"],
    )
    # The stock greys and accents are too pale for small text (WCAG AA wants 4.5:1).
    return theme.set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        block_background_fill="white",
        block_background_fill_dark="*neutral_900",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        color_accent="*primary_600",
        link_text_color_dark="*secondary_400",
        block_label_text_color="*primary_700",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        block_title_background_fill="none",
        block_title_background_fill_dark="none",
        block_title_padding="0",
        block_title_text_color="*body_text_color",
        block_title_text_color_dark="*body_text_color",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
    )
