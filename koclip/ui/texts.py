"""Every word on the page, as (Korean, English)."""

from __future__ import annotations

import gradio as gr

TEXTS: dict[str, tuple[str, str]] = {
    "tagline": (
        "한국어로 사진을 알아보고, 찾고, 짚어 봅니다.",
        "Name, find and point at things in pictures, in Korean.",
    ),
    "model": ("모델", "Model"),
    "model_info": (
        "mini는 바로 답합니다. base와 large는 처음 고를 때 Hub에서 1.7 GB, 2.6 GB를 내려받습니다.",
        "mini answers at once. base and large are fetched from the Hub on first use: 1.7 GB, 2.6 GB.",
    ),
    "picture": ("사진", "Picture"),
    "picture_placeholder": (
        "사진을 끌어다 놓거나, 붙여 넣거나, 눌러서 고르세요",
        "Drop, paste or click to choose a picture",
    ),
    "examples": ("예시를 눌러 보세요", "Try an example"),
    "raw": ("결과 데이터 (JSON)", "Result data (JSON)"),
    "options": ("자세한 설정", "Options"),
    # image to text
    "image_to_text": ("사진 → 글", "Image → Text"),
    "image_to_text_help": (
        "사진과 한국어 레이블을 주면 어느 것이 얼마나 그럴듯한지 알려 줍니다.",
        "Give a picture and Korean labels, and see how likely each label is.",
    ),
    "labels": ("레이블", "Labels"),
    "labels_info": (
        "한 줄에 하나씩, 또는 쉼표로 나누어 적으세요.",
        "One per line, or separated by commas. The model reads Korean best.",
    ),
    "template": ("문장 틀", "Templates"),
    "template_info": (
        "{} 자리에 레이블이 들어갑니다. 여러 줄이면 평균을 냅니다.",
        "The label goes where {} is. Several lines are averaged.",
    ),
    "softmax": ("확률로 바꾸기 (softmax)", "Turn into probabilities (softmax)"),
    "classify": ("무엇인지 알아보기", "Classify"),
    "classify_empty": (
        "사진과 레이블을 넣으면 여기에 순위가 나타납니다.",
        "Add a picture and labels, and the ranking appears here.",
    ),
    "one_label": (
        "레이블이 하나뿐이라 확률은 늘 100%입니다. 다른 레이블과 견주거나 코사인 값을 보세요.",
        "With a single label the probability is always 100 %. Add others to compare, or read the cosine.",
    ),
    "merged": (
        "되풀이된 레이블은 하나로 합쳤습니다: {labels}",
        "Repeated labels were merged: {labels}",
    ),
    "cosine": ("코사인", "cosine"),
    # text to image
    "text_to_image": ("글 → 사진", "Text → Image"),
    "text_to_image_help": (
        "한국어로 적으면 모아 둔 사진에서 가장 잘 맞는 것을 찾습니다.",
        "Describe something in Korean and find the best matches in a collection.",
    ),
    "query": ("찾을 것", "Query"),
    "query_image_placeholder": ("예: 눈 덮인 산", "For example 눈 덮인 산 (a snowy mountain)"),
    "count": ("몇 장 볼까요", "How many"),
    "search": ("찾기", "Search"),
    "search_empty": (
        "찾고 싶은 장면을 적고 Enter를 누르세요.",
        "Type what you are looking for and press Enter.",
    ),
    "photo": ("사진", "photo"),
    "illustration": ("그림", "illustration"),
    "unknown_author": ("지은이 미상", "unknown author"),
    # text to patch
    "text_to_patch": ("글 → 조각", "Text → Patch"),
    "text_to_patch_help": (
        "사진을 조각내어 한국어 설명에 가장 잘 맞는 곳을 짚어 줍니다.",
        "The picture is cut into tiles, and those that fit your Korean words best are marked.",
    ),
    "query_patch_placeholder": ("예: 자전거 바퀴", "For example 자전거 바퀴 (a bicycle wheel)"),
    "rows": ("행", "Rows"),
    "columns": ("열", "Columns"),
    "rank": ("찾아보기", "Find"),
    "heatmap": ("어디에 있나요", "Where it is"),
    "best_patches": ("가장 잘 맞는 조각", "Best tiles"),
    "patches_empty": (
        "사진과 찾을 것을 넣으면 여기에 표시됩니다.",
        "Add a picture and a query, and the tiles are marked here.",
    ),
    "patch_caption": ("{rank}위 {score:.3f}", "#{rank} {score:.3f}"),
    # notices and failures
    "fell_back": (
        "{model} 모델을 열 수 없어 koclip-mini로 답했습니다. {reason}",
        "{model} could not be opened, so koclip-mini answered. {reason}",
    ),
    "failed": (
        "예상하지 못한 문제가 생겼습니다. 잠시 뒤에 다시 해 보시고, 계속되면 알려 주세요.",
        "Something unexpected went wrong. Try again in a moment, and tell us if it persists.",
    ),
}


def say(key: str, language: str, **values: object) -> str:
    """The text `key` in `language` ("ko", or English for anything else)."""
    korean, english = TEXTS[key]
    text = korean if language.startswith("ko") else english
    return text.format(**values) if values else text


def language_of(request: gr.Request | None) -> str:
    """The language that a visitor's browser asks for first; Korean when it does not say.

    Gradio's own labels follow the browser too, so page and messages agree.
    """
    preferred = request.headers.get("accept-language", "") if request else ""
    return preferred.split(",")[0].split("-")[0].strip().lower() or "ko"


I18N = gr.I18n(
    ko={key: korean for key, (korean, _) in TEXTS.items()},
    en={key: english for key, (_, english) in TEXTS.items()},
)
"""Labels that the browser translates; pass `I18N(key)` to components and `I18N` to `launch`."""
