"""Every word on the page, as (Korean, English)."""

from __future__ import annotations

import gradio as gr
from gradio.i18n import I18nData

TEXTS: dict[str, tuple[str, str]] = {
    "tagline": (
        "한국어로 사진을 알아보고, 찾고, 짚어 봅니다.",
        "Name, find and point at things in pictures, in Korean.",
    ),
    "description": (
        "KoCLIP은 한국어와 사진을 한 공간에서 이해하는 모델입니다. 올린 사진은 한 시간 안에 지웁니다.",
        "KoCLIP understands Korean and pictures in one space. Pictures you upload are deleted within an hour.",
    ),
    "model": ("모델", "Model"),
    "picture": ("사진", "Picture"),
    "picture_placeholder": (
        "사진을 끌어다 놓거나, 붙여 넣거나, 눌러서 고르세요",
        "Drop, paste or click to choose a picture",
    ),
    "examples": ("예시를 눌러 보세요", "Try an example"),
    "preparing": ("첫 답을 준비하는 중…", "Preparing the first answer…"),
    "options": ("자세한 설정", "Options"),
    "stop": ("멈추기", "Stop"),
    "progress_tiles": ("조각을 읽는 중", "Reading tiles"),
    "progress_words": ("낱말을 읽는 중", "Reading words"),
    # image to text
    "image_to_text": ("사진 → 글", "Image → Text"),
    "image_to_text_help": (
        "사진이 무엇인지 한국어로 알려 줍니다. 후보를 직접 적거나, 모음을 고르거나, 그냥 물어보세요.",
        "Tells in Korean what a picture shows. Write candidates, choose a ready set, or simply ask.",
    ),
    "labels": ("후보 레이블", "Candidate labels"),
    "labels_info": (
        "한 줄에 하나씩, 또는 쉼표로 나누어 적으세요.",
        "One per line, or separated by commas. The model reads Korean best.",
    ),
    "label_sets": ("적는 대신 모음에서 고르기", "Or take a ready set"),
    "template": ("문장 틀", "Templates"),
    "template_info": (
        "{} 자리에 레이블이 들어갑니다. 여러 줄이면 평균을 냅니다.",
        "The label goes where {} is. Several lines are averaged.",
    ),
    "template_preview": ("모델이 읽는 문장: {sentences}", "What the model reads: {sentences}"),
    "template_effect": ("틀이 없을 때와 견주어 보기", "Show the effect: compare with bare labels"),
    "bare_label": ("틀 없이 {figure}", "bare {figure}"),
    "softmax": ("확률로 바꾸기 (softmax)", "Turn into probabilities (softmax)"),
    "compare": ("다른 모델과 나란히 견주기", "Compare with other models, side by side"),
    "compare_info": (
        "같은 사진과 레이블을 고른 모델 모두에 물어봅니다.",
        "Asks every chosen model about the same picture and labels.",
    ),
    "classify": ("알아보기", "Classify"),
    "name_it": ("무엇일까?", "What is it?"),
    "name_it_help": (
        "{count:,}개의 한국어 낱말 가운데서 찾았습니다.",
        "Chosen from {count:,} Korean words.",
    ),
    "one_label": (
        "레이블이 하나뿐이라 확률은 늘 100%입니다. 다른 레이블과 견주거나 코사인 값을 보세요.",
        "With a single label the probability is always 100 %. Add others to compare, or read the cosine.",
    ),
    "merged": (
        "되풀이된 레이블은 하나로 합쳤습니다: {labels}",
        "Repeated labels were merged: {labels}",
    ),
    "none_fits": (
        "어느 것도 이 사진에 잘 맞지 않는 것 같습니다. 확률은 적은 레이블끼리만 견준 값입니다. '무엇일까?'로 물어보세요.",
        "None of these seems to fit. The probabilities only compare your labels with each other. Try “What is it?”.",
    ),
    "unsure": (
        "뚜렷하게 맞는 낱말이 없습니다. 아래는 가장 가까운 것들입니다.",
        "No word clearly fits. These come closest.",
    ),
    "cosine": ("코사인", "cosine"),
    "more_labels": ("{count:,}개 더 보기", "{count:,} more"),
    # text to image
    "text_to_image": ("글 → 사진", "Text → Image"),
    "text_to_image_help": (
        "한국어로 적으면 모아 둔 사진이나 내 사진에서 가장 잘 맞는 것을 찾습니다.",
        "Describe something in Korean and find the best matches in a collection, or among your photos.",
    ),
    "query": ("찾을 것", "Query"),
    "query_image_placeholder": ("예: 눈 덮인 산", "For example 눈 덮인 산 (a snowy mountain)"),
    "count": ("몇 장 볼까요", "How many"),
    "search": ("찾기", "Search"),
    "collection": ("어디에서 찾을까요", "Where to look"),
    "gallery": ("갤러리", "Gallery"),
    "my_photos": ("내 사진", "My photos"),
    "refine": ("더하고 빼기 · 사진으로 찾기", "Add, leave out, search by picture"),
    "plus": ("더할 것", "Add"),
    "plus_placeholder": ("예: 노을", "For example 노을 (sunset)"),
    "minus": ("뺄 것", "Leave out"),
    "minus_placeholder": ("예: 사람", "For example 사람 (people)"),
    "query_picture": ("비슷한 사진 찾기", "Find pictures like this one"),
    "more_like_this": ("이런 사진 더", "More like this"),
    "by_picture": ("이 사진과 비슷한 사진", "Pictures like this one"),
    "picture_unseen": (
        "이 사진은 여기에서 보여 줄 수 없습니다.",
        "This picture cannot be shown here.",
    ),
    "illustration": ("그림", "illustration"),
    "photo": ("사진", "photo"),
    "unknown_author": ("지은이 미상", "unknown author"),
    "source": ("출처", "source"),
    # my photos
    "photos_upload": (
        "사진 여러 장, 또는 ZIP 파일 (모두 {limit:,}장, {megabytes:,} MB까지)",
        "Pictures, or a ZIP of them (up to {limit:,} and {megabytes:,} MB in all)",
    ),
    "photos_index": ("내 사진 읽기", "Read my photos"),
    "photos_reading": ("내 사진을 읽는 중 {done:,} / {total:,}", "Reading {done:,} of {total:,}"),
    "photos_ready": (
        "{count:,}장을 찾을 수 있습니다({model}). 이 창에서만 보이고, 창을 닫거나 한 시간이 지나면 지워집니다.",
        "{count:,} pictures are searchable ({model}). Only this window sees them; they are deleted when it is closed, or after an hour.",
    ),
    "photos_no_room": (
        "한 창에 파일 {files:,}개, {megabytes:,} MB까지 둘 수 있어 {count:,}개는 받지 않았습니다: {names}. 있던 것을 지우면 더 올릴 수 있습니다.",
        "One window holds up to {files:,} files and {megabytes:,} MB, so {count:,} were not taken: {names}. Remove some to upload others.",
    ),
    "photos_broken": (
        "읽을 수 없어 뺀 파일 {count:,}개: {files}",
        "{count:,} unreadable files were left out: {files}",
    ),
    "photos_none": (
        "먼저 사진을 올리고 '내 사진 읽기'를 누르세요.",
        "First upload pictures and press “Read my photos”.",
    ),
    "photos_download": ("임베딩 내려받기 (ZIP)", "Download the embeddings (ZIP)"),
    "photos_forget": ("내 사진 지우기", "Delete my photos"),
    "photos_forgotten": ("내 사진을 지웠습니다.", "Your photos were deleted."),
    "photos_model": (
        "내 사진은 {model}(으)로 읽었기 때문에 {model}(으)로 찾았습니다.",
        "Your photos were read by {model}, so {model} searched them.",
    ),
    # text to patch
    "text_to_patch": ("글 → 조각", "Text → Patch"),
    "text_to_patch_help": (
        "한국어로 적은 것이 사진의 어디에 있는지 짚어 줍니다. 조각을 누르면 그것이 무엇인지도 알려 줍니다.",
        "Points at what you name in Korean. Click a tile to ask what it shows.",
    ),
    "queries": ("찾을 것 (여럿이면 쉼표로)", "Queries (commas between several)"),
    "query_patch_placeholder": ("예: 배, 하늘", "For example 배, 하늘 (boats, sky)"),
    "rows": ("행", "Rows"),
    "columns": ("열", "Columns"),
    "overlap": ("조각을 얼마나 겹칠까요", "Overlap of tiles"),
    "scales": ("크기가 다른 조각도 함께", "Tiles of several sizes"),
    "dense": ("한 번에 훑기 (koclip-mini, 더 빠름)", "All tiles in one pass (koclip-mini, faster)"),
    "contrast": ("누를 것 (어디에나 있는 것)", "Suppress (what is everywhere)"),
    "contrast_placeholder": ("예: 배경", "For example 배경 (background)"),
    "rank": ("찾아보기", "Find"),
    "patches_alt": (
        "'{query}'에 잘 맞는 곳을 밝힌 사진",
        "The picture with what fits “{query}” lit up",
    ),
    "patch_button": (
        "{query} {rank}위 조각, 코사인 {score:.3f}. 눌러서 무엇인지 묻기",
        "Tile number {rank} for {query}, cosine {score:.3f}. Press to ask what it is",
    ),
    "what_is_this": ("이건 뭐지?", "What is this?"),
    "open_in_image_to_text": ("이 조각을 ‘사진 → 글’에서 보기", "Take this tile to Image → Text"),
    "heat": ("열지도", "Heatmap"),
    "boxes": ("조각 번호", "Numbers"),
    # tools beside an answer
    "copy_link": ("링크 복사", "Copy link"),
    "copied": ("복사했습니다", "Copied"),
    "link_without_picture": (
        "올린 사진은 링크에 담기지 않습니다.",
        "A picture you uploaded is not part of the link.",
    ),
    "code": ("파이썬 코드", "Python code"),
    "copy_code": ("코드 복사", "Copy code"),
    "save_as": ("저장", "Save"),
    # keys of Gradio's that it has no Korean for
    "common.upload": ("파일 더 올리기", "Upload more"),
    "common.complete": ("끝났습니다", "Complete"),
    "status.queue_position": (
        "차례를 기다리는 중: {size} 가운데 {position}",
        "In queue: {position} of {size}",
    ),
    # header and footer
    "theme_switch": ("밝게/어둡게", "Light/dark"),
    "skip": ("내용으로 건너뛰기", "Skip to content"),
    "footer": (
        "KoCLIP {version} · API {api} · {model} {revision} · 결과는 틀릴 수 있습니다.",
        "KoCLIP {version} · API {api} · {model} {revision} · Answers can be wrong.",
    ),
    # models
    "model_ready": ("{model} 준비됨", "{model} is ready"),
    "model_loading": (
        "{model} 여는 중… {progress} 그동안 koclip-mini가 답합니다.",
        "Opening {model}… {progress} koclip-mini answers meanwhile.",
    ),
    "model_opening": (
        "{model}을(를) 여는 중입니다. 준비되면 다시 눌러 보세요.",
        "{model} is still opening. Run it again when it is ready.",
    ),
    "answered_meanwhile": (
        "{model}을(를) 여는 중이라 koclip-mini로 답했습니다. 준비되면 다시 눌러 보세요.",
        "{model} is still opening, so koclip-mini answered. Run it again when it is ready.",
    ),
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


class _Labels(gr.I18n):
    """Gradio's front end translates every text that is a key, also the name of somebody's folder."""

    def __init__(self) -> None:
        super().__init__(
            ko={_unlikely(key): korean for key, (korean, _) in TEXTS.items()},
            en={_unlikely(key): english for key, (_, english) in TEXTS.items()},
        )

    def __call__(self, key: str) -> I18nData:
        return super().__call__(_unlikely(key))


def _unlikely(key: str) -> str:
    """A key that nobody writes by chance; those of Gradio's own texts stay."""
    return key if "." in key else f"koclip:{key}"


I18N = _Labels()
"""Labels that the browser translates; pass `I18N(key)` to components and `I18N` to `launch`."""
