"""What is wrong with pictures, texts and queries."""

from __future__ import annotations

MESSAGES: dict[str, tuple[str, str]] = {
    # text
    "text_not_string": (
        "글이 있어야 할 곳에 {kind}이(가) 들어왔습니다. 문자열을 넣어 주세요.",
        "Expected text, got {kind}. Pass a string.",
    ),
    "text_empty": (
        "글이 비어 있습니다. 찾거나 비교할 말을 입력해 주세요.",
        "The text is empty. Type something to look for or compare.",
    ),
    "text_too_long": (
        "글이 너무 깁니다: {tokens} 토큰인데 이 모델은 {limit} 토큰까지 읽습니다. 짧게 줄여 "
        "주세요. 글의 앞부분: “{start}”",
        "The text is too long: {tokens} tokens, and this model reads at most {limit}. "
        "Shorten it. It begins: “{start}”",
    ),
    "text_too_many_characters": (
        "글이 너무 깁니다: {count:,}자인데 {limit:,}자까지 읽습니다. 글의 앞부분: “{start}”",
        "The text is too long: {count:,} characters, and at most {limit:,} are read. "
        "It begins: “{start}”",
    ),
    "token_out_of_range": (
        "토큰 번호 {value}은(는) 이 모델의 어휘 범위 0–{limit} 밖입니다.",
        "Token id {value} is outside this model's vocabulary, 0–{limit}.",
    ),
    "tokens_bad_shape": (
        "토큰 배열의 모양이 [문장, 토큰]이어야 하는데 {shape}입니다.",
        "Token ids must have the shape [texts, tokens], got {shape}.",
    ),
    "mask_bad_shape": (
        "attention_mask의 모양 {mask}이(가) 토큰 배열의 모양 {tokens}과(와) 다릅니다.",
        "attention_mask has the shape {mask}, but the token ids have {tokens}.",
    ),
    "tensors_unknown": (
        "return_tensors가 '{kind}'입니다. 쓸 수 있는 값: np, jax.",
        "return_tensors is '{kind}'. Known values: np, jax.",
    ),
    "tokenizer_missing": (
        "모델 '{name}'에 토크나이저 파일이 없어 글을 읽을 수 없습니다. tokenizer.json을 모델 "
        "폴더에 넣거나, 직접 만든 토큰 번호로 get_text_features를 사용해 주세요.",
        "Model '{name}' has no tokenizer files, so it cannot read text. Put tokenizer.json into "
        "its folder, or call get_text_features with token ids of your own.",
    ),
    "dense_unsupported": (
        "'{model}'은(는) 사진을 한 번에 훑지 못합니다. koclip-mini를 쓰거나, 조각을 하나씩 보게 해 주세요 "
        "(dense 없이).",
        "'{model}' cannot look at a picture in one pass. Use koclip-mini, or have the tiles looked "
        "at one by one (without dense).",
    ),
    "tokenizer_unreadable": (
        "{path}: 토크나이저를 읽을 수 없습니다({reason}).",
        "{path}: the tokenizer cannot be read ({reason}).",
    ),
    "tokenizer_mismatch": (
        "{path}: 토크나이저의 토큰 번호가 {largest}까지인데 모델의 어휘는 {vocabulary}개입니다. "
        "이 모델과 함께 배포된 토크나이저를 사용해 주세요.",
        "{path}: the tokenizer has ids up to {largest}, but the model's vocabulary has "
        "{vocabulary} rows. Use the tokenizer published with this model.",
    ),
    # images
    "image_missing": (
        "이미지가 없습니다. 사진을 올리거나 붙여 넣어 주세요.",
        "There is no image. Upload or paste a picture.",
    ),
    "image_wrong_type": (
        "이미지가 있어야 할 곳에 {kind}이(가) 들어왔습니다. PIL 이미지, 파일 경로, 바이트 또는 NumPy "
        "배열을 넣어 주세요.",
        "Expected an image, got {kind}. Pass a PIL image, a path, bytes or a NumPy array.",
    ),
    "image_not_found": (
        "{path}: 이런 파일이 없습니다.",
        "{path}: there is no such file.",
    ),
    "image_format_unknown": ("알 수 없는 형식", "unknown format"),
    "image_many_pixels": ("{limit} 메가픽셀 초과", "more than {limit} megapixels"),
    "image_no_pixels": ("픽셀이 없음", "it has no pixels"),
    "image_unreadable": (
        "이미지로 읽을 수 없는 파일입니다({reason}). JPEG, PNG, WebP 같은 사진 파일을 넣어 주세요.",
        "This is not a readable image ({reason}). Use a picture file such as JPEG, PNG or WebP.",
    ),
    "image_too_large": (
        "이미지가 너무 큽니다: {width}×{height} 픽셀. {limit} 메가픽셀 이하로 줄여 주세요.",
        "The image is too large: {width}×{height} pixels. Shrink it to at most {limit} megapixels.",
    ),
    "image_file_too_large": (
        "이미지 파일이 {limit} MB보다 큽니다. 더 작게 저장해 주세요.",
        "The image file is larger than {limit} MB. Save it smaller.",
    ),
    "image_laborious": (
        "이미지 파일에 부가 정보나 조각이 너무 많아 열지 않았습니다. JPEG나 PNG로 다시 저장해 주세요.",
        "The image file has too much metadata, or consists of too many pieces, and was not opened. "
        "Save it again as JPEG or PNG.",
    ),
    "image_bad_array": (
        "이미지 배열은 [높이, 너비], [높이, 너비, 3] 또는 [높이, 너비, 4] 모양의 숫자여야 하는데 "
        "{shape} {dtype}입니다.",
        "An image array must hold numbers of the shape [height, width], [height, width, 3] or "
        "[height, width, 4], got {shape} {dtype}.",
    ),
    "pixels_bad_shape": (
        "pixel_values의 모양이 {expected}이어야 하는데 {shape}입니다.",
        "pixel_values must have the shape {expected}, got {shape}.",
    ),
    # the three demos
    "labels_empty": (
        "비교할 레이블이 없습니다. 한 줄에 하나씩, 또는 쉼표로 나누어 적어 주세요.",
        "There are no labels to compare. Write one per line, or separate them by commas.",
    ),
    "labels_too_many": (
        "레이블이 {count}개입니다. {limit}개까지 비교할 수 있습니다.",
        "There are {count} labels; at most {limit} can be compared.",
    ),
    "templates_too_many": (
        "템플릿이 {count}개입니다. {limit}개까지 쓸 수 있습니다.",
        "There are {count} templates; at most {limit} can be averaged.",
    ),
    "sentences_too_many": (
        "레이블과 템플릿으로 문장 {count:,}개가 만들어집니다. {limit:,}개까지 비교할 수 있으니 어느 한쪽을 줄여 주세요.",
        "The labels in all templates make {count:,} sentences, and at most {limit:,} can be compared. "
        "Use fewer labels or templates.",
    ),
    "template_without_slot": (
        "템플릿 “{template}”에 레이블이 들어갈 자리 {{}}가 없습니다. 예: 이것은 {{}} 이다.",
        "The template “{template}” has no {{}} where the label goes. Example: 이것은 {{}} 이다.",
    ),
    "grid_bad_size": (
        "행과 열은 1부터 {limit}까지의 정수여야 하는데 {rows}×{columns}입니다.",
        "Rows and columns must be whole numbers from 1 to {limit}, got {rows}×{columns}.",
    ),
    "grid_bad_overlap": (
        "조각의 겹침은 0에서 {limit} 사이의 수여야 하는데 {overlap}입니다.",
        "The overlap of tiles must be a number from 0 to {limit}, got {overlap}.",
    ),
    "grid_bad_scales": (
        "조각 크기의 가짓수는 1에서 {limit}까지의 정수여야 하는데 {scales}입니다.",
        "The number of tile sizes must be a whole number from 1 to {limit}, got {scales}.",
    ),
    "grid_too_many_tiles": (
        "조각이 모두 {count}개인데 {limit}개까지만 할 수 있습니다. 행과 열, 겹침이나 크기의 가짓수를 "
        "줄여 주세요.",
        "That makes {count} tiles, and at most {limit} are possible. Use fewer rows and columns, "
        "less overlap or fewer sizes.",
    ),
    "queries_too_many": (
        "찾을 것이 {count}개인데 한 번에 {limit}개까지만 찾을 수 있습니다. 나누어 찾아 주세요.",
        "There are {count} queries, and at most {limit} are searched at once. Split them up.",
    ),
    "grid_finer_than_image": (
        "{width}×{height} 픽셀 이미지는 {rows}행 {columns}열로 나눌 수 없습니다. 행과 열을 줄이거나 "
        "더 큰 이미지를 사용해 주세요.",
        "A {width}×{height} pixel image cannot be cut into {rows} rows and {columns} columns. "
        "Use fewer, or a larger image.",
    ),
    "result_count_bad": (
        "결과 개수는 1 이상의 정수여야 하는데 {value}입니다.",
        "The number of results must be a whole number of at least 1, got {value}.",
    ),
    # ready label sets
    "label_set_unknown": (
        "'{name}'이라는 레이블 모음이 없습니다. 쓸 수 있는 이름: {known}.",
        "There is no label set named '{name}'. Known names: {known}.",
    ),
    "label_none_fits": (
        "이 가운데 사진에 잘 맞는 것이 없는 듯합니다. 확률은 이들끼리만 견준 값입니다. 다른 레이블을 적어 보세요.",
        "None of these seems to fit the picture well. Probabilities only compare them with each other. Try other labels.",
    ),
    # search
    "query_only_minus": (
        "뺄 것만 있고 찾을 것이 없습니다. 찾을 말이나 사진을 더해 주세요.",
        "There is only something to leave out. Add what to look for: words or a picture.",
    ),
    "query_contradiction": (
        "'{part}'을(를) 찾으면서 뺄 수는 없습니다. 둘 가운데 하나만 남겨 주세요.",
        "'{part}' cannot be looked for and left out at once. Keep one of the two.",
    ),
    "search_too_many_words": (
        '데이터베이스와 찾을 것만 적을 수 있습니다. 찾을 말에 빈칸이 있으면 따옴표로 묶어 주세요: "{words}"',
        'Only a database and a query can be given. Quote a query that has spaces: "{words}"',
    ),
    "query_too_long": (
        "찾을 것과 뺄 것이 모두 {count}개인데 {limit}개까지만 쓸 수 있습니다.",
        "There are {count} things to add and to leave out, and at most {limit} are possible.",
    ),
    # photographs that people bring
    "photos_none": (
        "사진이 없습니다. JPEG, PNG, WebP 같은 사진이나 그것을 담은 ZIP 파일을 올려 주세요.",
        "There are no pictures. Upload JPEG, PNG, WebP or other pictures, or a ZIP file of them.",
    ),
    "photos_unreadable": (
        "파일 {count}개 가운데 읽을 수 있는 사진이 없습니다. {reason}",
        "None of the {count} files is a readable picture. {reason}",
    ),
    "photos_gone": (
        "올린 사진을 이미 지웠습니다. 다시 올려 주세요.",
        "The pictures that were uploaded have been deleted. Upload them again.",
    ),
    "photos_too_many": (
        "파일이 {limit:,}개보다 많아 여기부터는 뺐습니다. 나머지는 따로 올려 주세요.",
        "There are more than {limit:,} files; this and all after it were left out. Upload the rest "
        "separately.",
    ),
    "photos_too_much": (
        "사진이 모두 {limit:,} MB보다 커서 여기부터는 뺐습니다. 더 작게 저장해 주세요.",
        "The pictures have more than {limit:,} MB in all; this and all after it were left out. "
        "Save them smaller.",
    ),
    "photo_too_large": (
        "파일이 {limit:,} MB보다 큽니다. 더 작게 저장해 주세요.",
        "The file is larger than {limit:,} MB. Save it smaller.",
    ),
    "zip_unreadable": (
        "ZIP 파일로 읽을 수 없습니다({reason}). 다시 압축해 주세요.",
        "It cannot be read as a ZIP file ({reason}). Pack it again.",
    ),
    "zip_long_list": (
        "ZIP 파일에 든 것이 너무 많습니다(목록이 {limit} MB보다 큽니다). 나누어 압축해 주세요.",
        "There is too much in the ZIP file: its list is larger than {limit} MB. Pack it in parts.",
    ),
    "zip_encrypted": (
        "암호가 걸린 파일입니다. 암호 없이 압축해 주세요.",
        "It is encrypted. Pack it without a password.",
    ),
    "zip_nested": (
        "ZIP 안의 ZIP은 열지 않습니다. 그 파일을 따로 올려 주세요.",
        "A ZIP file inside another is not opened. Upload it by itself.",
    ),
    "zip_method": (
        "지원하지 않는 방식으로 압축되었습니다. 보통 ZIP(Deflate)으로 다시 압축해 주세요.",
        "It is packed by a method that is not supported. Pack it again as an ordinary ZIP (Deflate).",
    ),
    "zip_link": (
        "파일이 아니라 다른 파일을 가리키는 링크입니다. 사진 자체를 담아 주세요.",
        "It is a link to another file. Pack the picture itself.",
    ),
}
