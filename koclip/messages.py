"""Every sentence that KoCLIP says when something is wrong, as (Korean, English)."""

from __future__ import annotations

MESSAGES: dict[str, tuple[str, str]] = {
    # checkpoints
    "config_not_json": (
        "{path}: 설정 파일을 JSON으로 읽을 수 없습니다({reason}). 원본을 다시 내려받아 주세요.",
        "{path}: the configuration is not readable JSON ({reason}). Download it again.",
    ),
    "config_unsupported": (
        "{path}: {part}의 종류 '{kind}'은(는) 지원하지 않습니다. 지원하는 종류: {known}.",
        "{path}: the {part} type '{kind}' is not supported. Supported: {known}.",
    ),
    "config_bad_value": (
        "{path}: 설정 '{key}'의 값 {value}이(가) 올바르지 않습니다. {expected}이어야 합니다.",
        "{path}: setting '{key}' has the value {value}; it must be {expected}.",
    ),
    "config_missing_key": (
        "{path}: 설정에 꼭 필요한 '{key}' 항목이 없습니다.",
        "{path}: the configuration lacks the required key '{key}'.",
    ),
    "preprocessing_unreadable": (
        "{path}: 이미지 전처리 설정을 따를 수 없습니다({reason}). 모델과 함께 배포된 파일을 사용해 "
        "주세요.",
        "{path}: the image preprocessing cannot be followed ({reason}). Use the file published "
        "with the model.",
    ),
    "weights_unreadable": (
        "{path}: 가중치 파일을 읽을 수 없습니다({reason}). 파일이 잘렸거나 손상되었으니 다시 "
        "내려받아 주세요.",
        "{path}: the weight file cannot be read ({reason}). It is cut short or damaged: "
        "download it again.",
    ),
    "weights_unsafe": (
        "{path}: 이 파일은 '{name}' 객체를 실행하려고 해서 열지 않았습니다. safetensors 형식"
        "(model.safetensors)으로 저장한 파일을 사용해 주세요.",
        "{path}: refused, because opening it would run '{name}'. Use the safe form, "
        "model.safetensors.",
    ),
    "weights_mismatch": (
        "{path}: 가중치가 설정과 맞지 않습니다.\n{details}",
        "{path}: the weights do not fit the configuration.\n{details}",
    ),
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
    "image_unreadable": (
        "이미지로 읽을 수 없는 파일입니다({reason}). JPEG, PNG, WebP 같은 사진 파일을 넣어 주세요.",
        "This is not a readable image ({reason}). Use a picture file such as JPEG, PNG or WebP.",
    ),
    "image_too_large": (
        "이미지가 너무 큽니다: {width}×{height} 픽셀. {limit} 메가픽셀 이하로 줄여 주세요.",
        "The image is too large: {width}×{height} pixels. Shrink it to at most {limit} megapixels.",
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
        "조각이 모두 {count}개인데 {limit}개까지만 할 수 있습니다. 행과 열이나 겹침을 줄여 주세요.",
        "That makes {count} tiles, and at most {limit} are possible. Use fewer rows and columns, or less "
        "overlap.",
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
    # databases
    "database_not_found": (
        "{path}: 이미지 데이터베이스가 없습니다. `python -m koclip index 폴더`로 만들 수 있습니다.",
        "{path}: there is no image database. Make one with `python -m koclip index FOLDER`.",
    ),
    "database_unreadable": (
        "{path}: 이미지 데이터베이스를 읽을 수 없습니다({reason}).",
        "{path}: the image database cannot be read ({reason}).",
    ),
    "database_other_model": (
        "이 데이터베이스는 '{database_model}' 모델로 만들어져 '{model}' 모델로는 검색할 수 없습니다. "
        "{database_model} 모델을 고르거나 `{command}`로 다시 만들어 주세요.",
        "This database was made by '{database_model}' and cannot be searched with '{model}'. "
        "Choose {database_model}, or rebuild it with `{command}`.",
    ),
    "database_none_for_model": (
        "모델 '{model}'에 맞는 이미지 데이터베이스가 정해져 있지 않습니다. "
        "`python -m koclip index 폴더 --model {model}`로 만들어 주세요.",
        "No image database is known for model '{model}'. Make one with "
        "`python -m koclip index FOLDER --model {model}`.",
    ),
    "captions_unreadable": (
        "{path}, {line}번째 줄: 사진 설명을 읽을 수 없습니다({reason}).",
        "{path}, line {line}: the captions cannot be read ({reason}).",
    ),
    "folder_not_found": (
        "{path}: 이런 폴더가 없습니다.",
        "{path}: there is no such folder.",
    ),
    "database_no_images": (
        "{path}: 읽을 수 있는 이미지가 없습니다.",
        "{path}: there are no readable images.",
    ),
    # where files come from
    "hub_unknown_model": (
        "'{name}'이라는 모델을 모릅니다. 쓸 수 있는 이름: {known}. 모델 폴더의 경로나 Hugging Face "
        "Hub의 '소유자/이름'도 쓸 수 있습니다.",
        "There is no model named '{name}'. Known names: {known}. The path of a model folder, or "
        "'owner/name' on the Hugging Face Hub, will do too.",
    ),
    "hub_unknown_model_close": (
        "'{name}'이라는 모델을 모릅니다. 혹시 '{close}'인가요? 쓸 수 있는 이름: {known}.",
        "There is no model named '{name}'. Did you mean '{close}'? Known names: {known}.",
    ),
    "hub_no_folder": (
        "{folder}: 이런 폴더가 없습니다. 경로를 확인해 주세요.",
        "{folder}: there is no such folder. Check the path.",
    ),
    "hub_folder_incomplete": (
        "{folder}: 이 폴더에 {file} 파일이 없어 모델로 열 수 없습니다.",
        "{folder}: this folder lacks {file}, so it cannot be opened as a model.",
    ),
    "hub_lfs_pointer": (
        "{path}: 가중치가 아니라 Git LFS 표시 파일입니다. {folder}에서 `git lfs pull`을 실행해 "
        "주세요.",
        "{path}: this is a Git LFS pointer, not the weights. Run `git lfs pull` in {folder}.",
    ),
    "hub_bad_id": (
        "'{repo}'은(는) Hugging Face Hub의 이름이 될 수 없습니다. '소유자/이름'처럼 적어 주세요.",
        "'{repo}' cannot be a name on the Hugging Face Hub. Write it as 'owner/name'.",
    ),
    "hub_offline": (
        "'{repo}'의 파일이 이 컴퓨터에 다 있지 않은데 오프라인 모드(HF_HUB_OFFLINE)가 켜져 "
        "있습니다. 오프라인 모드를 끄고 한 번 내려받거나, 내장 모델 koclip-mini를 사용해 주세요.",
        "The files of '{repo}' are not all on this machine, and offline mode (HF_HUB_OFFLINE) is "
        "on. Turn it off to download them once, or use the bundled model koclip-mini.",
    ),
    "hub_unreachable": (
        "'{repo}'을(를) 받으려 했지만 {endpoint}에 연결할 수 없습니다({reason}). 네트워크를 확인한 "
        "뒤 다시 시도하거나, 네트워크가 필요 없는 koclip-mini를 사용해 주세요.",
        "'{repo}' is needed, but {endpoint} cannot be reached ({reason}). Check the network and "
        "try again, or use koclip-mini, which needs none.",
    ),
    "hub_server_error": (
        "{endpoint}이(가) '{repo}' 요청에 오류 {status}(으)로 답했습니다. 잠시 뒤 다시 시도해 "
        "주세요.",
        "{endpoint} answered the request for '{repo}' with error {status}. Try again in a while.",
    ),
    "hub_bad_answer": (
        "{endpoint}이(가) '{repo}' 요청에 Hugging Face Hub답지 않은 답을 했습니다. 로그인이 필요한 "
        "무선망, 프록시, HF_ENDPOINT 설정을 확인해 주세요.",
        "{endpoint} did not answer the request for '{repo}' as a Hugging Face Hub does. Check for "
        "a network login page, a proxy, or a wrong HF_ENDPOINT.",
    ),
    "hub_denied": (
        "'{repo}'을(를) 받을 권한이 없습니다. {endpoint}/{repo}에서 접근을 신청하거나, "
        "`hf auth login`으로 로그인한 뒤 다시 시도해 주세요.",
        "Access to '{repo}' was denied. Ask for access at {endpoint}/{repo}, or log in with "
        "`hf auth login`, and try again.",
    ),
    "hub_no_repo": (
        "{endpoint}에 '{repo}'이(가) 없거나 비공개입니다. 이름을 확인해 주세요. 비공개라면 "
        "`hf auth login`으로 로그인하고, 폴더를 뜻했다면 그 경로가 있는지 확인해 주세요.",
        "'{repo}' does not exist on {endpoint}, or is private. Check the name; if it is private, "
        "log in with `hf auth login`; if you meant a folder, check that it exists.",
    ),
    "hub_no_revision": (
        "'{repo}'에 '{revision}' 리비전이 없습니다. 브랜치, 태그 또는 커밋 이름을 확인해 주세요.",
        "'{repo}' has no revision '{revision}'. Check the name of the branch, tag or commit.",
    ),
    "hub_no_file": (
        "'{repo}'에 {file} 파일이 없습니다. 저장소 이름과 리비전을 확인해 주세요.",
        "'{repo}' has no {file}. Check the repository's name and revision.",
    ),
    "hub_cut": (
        "'{repo}'의 {file}을(를) 받다가 연결이 끊겼습니다({size:,} B 중 {done:,} B). 다시 실행하면 "
        "이어서 받습니다.",
        "The connection broke while {file} of '{repo}' was arriving ({done:,} of {size:,} B). "
        "Run it again to continue from there.",
    ),
    "hub_download_damaged": (
        "'{repo}'에서 받은 {file}이(가) 온전하지 않아 버렸습니다: {expected}이어야 하는데 "
        "{actual}입니다. 다시 시도하고, 되풀이되면 네트워크의 프록시나 미러를 확인해 주세요.",
        "{file} of '{repo}' arrived damaged and was thrown away: expected {expected}, got "
        "{actual}. Try again; if it recurs, suspect a proxy or mirror on the network.",
    ),
    "hub_cache_damaged": (
        "저장되어 있던 {file}이(가) 손상되었습니다: {expected}이어야 하는데 {actual}입니다. "
        "{path} 파일을 지우면 다음에 다시 내려받습니다.",
        "The cached {file} is damaged: expected {expected}, found {actual}. Delete {path} and "
        "it will be downloaded again.",
    ),
    "hub_not_as_published": (
        "'{name}'의 {file}이(가) 공개된 것과 다릅니다: {expected:,} B이어야 하는데 {actual:,} B"
        "입니다. 바뀐 파일을 쓰려면 revision을 직접 지정해 주세요.",
        "{file} of '{name}' is not the published one: expected {expected:,} B, listed with "
        "{actual:,} B. To use the changed file, name its revision yourself.",
    ),
    "hub_disk_full": (
        "{folder}의 디스크에 {file}을(를) 받을 자리가 없습니다. 공간을 비우거나 HF_HOME을 다른 "
        "디스크로 지정해 주세요. 받은 부분은 남겨 두었습니다.",
        "The disk of {folder} has no room for {file}. Make room, or point HF_HOME to another "
        "disk. What has arrived is kept.",
    ),
    "hub_cache_unwritable": (
        "내려받은 파일을 {folder}에 저장할 수 없습니다({reason}). 쓰기 권한을 주거나 HF_HOME을 쓸 "
        "수 있는 폴더로 지정해 주세요.",
        "Downloads cannot be kept in {folder} ({reason}). Make it writable, or point HF_HOME to a "
        "folder that is.",
    ),
    # training
    "training_no_config": (
        "'{name}'(이)라는 학습 설정이 없습니다. 미리 정해진 설정({known})의 이름이나 .json, .toml 파일의 경로를 적어 주세요.",
        "There is no training configuration '{name}'. Name a preset ({known}) or the path of a .json or .toml file.",
    ),
    "training_config_unreadable": (
        "{path}: 학습 설정을 읽을 수 없습니다({reason}). 파일을 고쳐 주세요.",
        "{path}: the training configuration cannot be read ({reason}). Correct the file.",
    ),
    "training_bad_set": (
        "--set {setting}: '키=값'처럼 적어 주세요.",
        "--set {setting}: write it as KEY=VALUE.",
    ),
    "training_bad_config": (
        "학습 설정에 고칠 곳이 있습니다.\n{details}",
        "The training configuration needs to be corrected.\n{details}",
    ),
    "training_no_model": (
        "무엇을 학습할지 정해지지 않았습니다. 설정에 model을, 또는 text_tower와 vision_tower를 적어 주세요.",
        "There is nothing to train. Set 'model', or 'text_tower' and 'vision_tower'.",
    ),
    "training_pictures_missing": (
        "{path}: 사진 {total}장 가운데 {missing}장의 파일이 없어 빼고 학습합니다. 예: {first}",
        "{path}: {missing} of {total} pictures have no file and are left out, for example {first}.",
    ),
    "training_pictures_broken": (
        "읽을 수 없는 사진 {count}장을 다른 사진으로 바꾸어 학습했습니다. 예: {first}",
        "{count} pictures could not be read and others took their place, for example {first}.",
    ),
    "training_too_little_data": (
        "사진이 {total}장뿐이라 배치 {size}개를 채울 수 없습니다. --data를 확인하거나 배치 크기를 줄여 주세요.",
        "{total} pictures cannot fill a batch of {size}. Check --data, or choose a smaller batch size.",
    ),
    "training_cannot_join": (
        "다른 프로세스들과 함께 시작할 수 없습니다({reason}). --coordinator, --processes, --process를 확인해 주세요.",
        "This process cannot join the others ({reason}). Check --coordinator, --processes and --process.",
    ),
    "training_all_locked": (
        "'locked'가 모든 파라미터와 맞아 학습할 것이 남지 않습니다. 학습할 부분을 빼 주세요.",
        "'locked' matches every parameter, so nothing is left to train. Leave out what is to learn.",
    ),
    "training_pattern_unused": (
        "'{key}'의 '{pattern}'와(과) 맞는 파라미터가 없습니다. 파라미터의 경로는 다음 가운데 하나로 시작합니다: {known}.",
        "'{pattern}' in '{key}' matches no parameter. Their paths start with one of: {known}.",
    ),
    "training_batch_uneven": (
        "배치 {size}개를 장치 {devices}개와 마이크로배치 {accumulation}개로 고르게 나눌 수 없습니다. 배치 크기를 {devices}×{accumulation}의 배수로 정해 주세요.",
        "A batch of {size} cannot be divided evenly over {devices} devices and {accumulation} micro-batches. Choose a batch size that is a multiple of {devices}×{accumulation}.",
    ),
    "training_output_taken": (
        "{folder}: 다른 학습의 체크포인트가 있습니다. 이어서 학습하려면 --resume을 쓰고, 새로 시작하려면 다른 폴더를 정해 주세요.",
        "{folder}: there are checkpoints of a run already. Go on with it by --resume, or choose another folder to start anew.",
    ),
    "training_other_config": (
        "{path}: 이 체크포인트는 다른 설정으로 만들어져 이어서 학습할 수 없습니다. 설정을 되돌리거나 다른 폴더에서 새로 시작해 주세요.\n{details}",
        "{path}: this checkpoint was made with other settings, so the run cannot go on from it. Restore them, or start anew in another folder.\n{details}",
    ),
    "training_other_parameters": (
        "{path}: 이 체크포인트의 파라미터가 모델과 다릅니다. 같은 모델로 이어 가거나 다른 폴더에서 새로 시작해 주세요.\n{details}",
        "{path}: this checkpoint's parameters are not the model's. Go on with the same model, or start anew in another folder.\n{details}",
    ),
    "training_diverged": (
        "{step}번째 스텝에서 학습이 발산했습니다(손실 {loss}, 기울기 {norm}). 학습률을 낮추거나 max_gradient_norm을 정한 뒤 새로 시작해 주세요.",
        "Training diverged at step {step} (loss {loss}, gradient {norm}). Start anew with a lower learning_rate, or set max_gradient_norm.",
    ),
    "training_validation_empty": (
        "검증 자료가 한 배치에도 미치지 못합니다. 검증 자료를 늘리거나 배치 크기를 줄여 주세요.",
        "The validation data do not fill one batch. Add some, or choose a smaller batch size.",
    ),
    # evaluation
    "evaluation_no_photos": (
        "'{dataset}': 측정할 사진이 없습니다.",
        "'{dataset}': there are no photographs to measure on.",
    ),
    "evaluation_needs_photos": (
        "'{dataset}'의 사진은 함께 배포되지 않습니다. Flickr8k를 받아 --photos 폴더로 알려 주세요. 함께 들어 있는 사진으로 재려면 'gallery'를 고르세요.",
        "The photographs of '{dataset}' are not bundled. Get Flickr8k and name its folder by --photos, or choose 'gallery', whose photographs are here.",
    ),
    "evaluation_photos_missing": (
        "사진 {total}장 가운데 {count}장이 없습니다: {names}. 일부만으로 잰 값은 전체의 값이 아니므로 재지 않았습니다. 사진 폴더를 확인하거나, 없는 사진을 목록에서 빼 주세요.",
        "{count} of {total} photographs are missing (there is no such file): {names}. A figure over the rest would not be one over the set. Check the folder of the photographs, or take those lines out.",
    ),
    "evaluation_photo_unreadable": (
        "{path}: 사진을 읽을 수 없습니다({reason}).",
        "{path}: the photograph cannot be read ({reason}).",
    ),
    "evaluation_unknown_label": (
        "{path}: 80개 레이블에 없는 것이 'objects'에 있습니다: {labels}. 레이블 목록의 말로 고쳐 주세요.",
        "{path}: 'objects' names what is none of the 80 labels: {labels}. Use the words of the list.",
    ),
    "evaluation_unknown_ensemble": (
        "'{name}'이라는 템플릿 묶음을 모릅니다. 쓸 수 있는 이름: {known}.",
        "There is no ensemble of templates named '{name}'. Known names: {known}.",
    ),
    "evaluation_not_finite": (
        "임베딩에 NaN이나 무한대가 있어 순위를 매길 수 없습니다. 모델의 가중치를 확인해 주세요.",
        "The embeddings hold NaN or infinity, which have no rank. Check the model's weights.",
    ),
    "retrieval_in_batches": (
        "{kind} 임베딩이 [개수, D] 모양의 배열 하나가 아닙니다. 배치별로 순위를 매기면 고를 것이 적어 값이 부풀려집니다. 모든 배치를 하나로 이어 붙여 주세요.",
        "The {kind} embeddings are not one array of the shape [number, D]. Ranked batch by batch there is less to choose from, and every figure comes out too high. Concatenate all batches first.",
    ),
    "retrieval_not_whole_set": (
        "{kind} 임베딩은 {rows}개인데 데이터 세트는 {count}개입니다. 일부나 한 배치에서 찾은 순위는 전체의 것이 아닙니다. 전체의 임베딩을 넣거나, 잰 만큼의 크기를 적어 주세요.",
        "There are {rows} {kind} embeddings, but the data set has {count}. Ranks within a part or a batch are not those of the whole. Pass the embeddings of all, or state the size that was measured.",
    ),
    "retrieval_bad_index": (
        "설명마다 사진 번호가 하나씩, 정수 {captions}개가 있어야 하는데 {shape}입니다.",
        "There must be one whole number, that of its photograph, for each of {captions} captions; got {shape}.",
    ),
    "retrieval_index_outside": (
        "{caption}번 설명의 사진이 {image}번이라는데 사진은 0번부터 {images}장입니다. 번호가 배치 안의 것이면 전체에서의 번호로 바꿔 주세요.",
        "Caption {caption} is said to be of photograph {image}, but there are {images}, counted from 0. If the numbers are those within a batch, use those within the whole set.",
    ),
    "retrieval_no_caption": (
        "설명이 없는 사진이 {count}장 있습니다(처음은 {image}번). 빼거나 설명을 넣어 주세요.",
        "{count} photographs have no caption (the first is number {image}). Leave them out, or caption them.",
    ),
    "calibration_bad_input": (
        "보정 오차를 재려면 0에서 1 사이의 확률과 정답 여부가 같은 개수의 1차원 배열이어야 합니다.",
        "Calibration needs two arrays of one dimension and one length: probabilities from 0 to 1, and whether each was right.",
    ),
    "calibration_no_photos": (
        "보정 오차를 잴 사진이 없습니다.",
        "There are no photographs to measure calibration on.",
    ),
    "loss_batch_too_small": (
        "대조 손실은 2쌍 이상의 배치에서만 잴 수 있는데 {size}쌍입니다.",
        "The contrastive loss needs batches of at least 2 pairs, got {size}.",
    ),
    "scenes_too_few_labels": (
        "장면을 만들려면 서로 다른 레이블이 {needed}개 있어야 하는데 {count}개입니다.",
        "Scenes need pictures of {needed} different labels, got {count}.",
    ),
    # training data
    "augment_unknown": (
        "'{name}'이라는 이미지 변환이 없습니다. 쓸 수 있는 이름: {known}.",
        "There is no image transform '{name}'. Known names: {known}.",
    ),
    "captions_not_found": (
        "{path}: 사진 설명 파일이 없습니다. JSON, JSONL, CSV 파일이나 다음 가운데 하나가 든 폴더를 지정해 주세요: {known}.",
        "{path}: there is no caption file. Name a JSON, JSONL or CSV file, or a folder with one of: {known}.",
    ),
    "captions_bad_entry": (
        "{path}, {entry}번째 항목: 사진 설명을 읽을 수 없습니다({reason}).",
        "{path}, entry {entry}: the captions cannot be read ({reason}).",
    ),
    "captions_no_images": (
        "{path}: 설명이 달린 사진 {count}장 가운데 하나도 찾지 못했습니다(예: {first}). 사진이 있는 폴더를 함께 지정해 주세요.",
        "{path}: none of its {count} pictures was found ({first}, for one). Name the folder that holds them.",
    ),
    "captions_no_split": (
        "{path}: '{split}'에 속하는 사진이 없습니다. 있는 것: {known}.",
        "{path}: no pictures belong to the split '{split}'. There are: {known}.",
    ),
    "datasets_missing": (
        "'{name}'을(를) 열려면 datasets 라이브러리가 필요합니다. `pip install datasets`로 설치해 주세요.",
        "'{name}' needs the datasets library. Install it with `pip install datasets`.",
    ),
    "datasets_unreadable": (
        "'{name}' 데이터셋을 읽을 수 없습니다({reason}).",
        "The data set '{name}' cannot be read ({reason}).",
    ),
    "training_too_many_weights": (
        "자료의 가중치가 {weights}가지인데 배치는 {batch}개뿐입니다. 가중치를 줄이거나 배치 크기를 늘려 주세요.",
        "The data have {weights} different weights, but a batch only {batch} rows. Use fewer weights, or a larger batch size.",
    ),
    "training_rows_uneven": (
        "배치 {batch}개를 프로세스 {processes}개로 고르게 나눌 수 없습니다. 배치 크기를 그 배수로 정해 주세요.",
        "A batch of {batch} cannot be divided evenly over {processes} processes. Choose a multiple.",
    ),
    "flickr8k_incomplete": (
        "{folder}: Flickr8k의 {file} 파일이 없어 학습, 개발, 시험 사진을 나눌 수 없습니다. 배포된 글 파일을 모두 풀어 주세요.",
        "{folder}: Flickr8k's {file} is not there, so its split is unknown. Unpack all of its text files.",
    ),
    "manifest_in_assets": (
        "{folder}: 학습 사진의 설명을 프로젝트의 파일 사이에 둘 수 없습니다. 다른 폴더를 정해 주세요.",
        "{folder}: captions of training photographs must not get among the project's own files. Choose another folder.",
    ),
    "manifest_no_files": (
        "'{path}'의 사진은 파일이 아니어서 목록에 적을 수 없습니다. 사진 파일이 있는 폴더나 설명 파일을 지정해 주세요.",
        "The pictures of '{path}' are not files, so a manifest cannot name them. Use a caption file of picture files.",
    ),
    "manifest_unwritable": (
        "{folder}: 목록을 쓸 수 없습니다({reason}). 쓸 수 있는 폴더를 정해 주세요.",
        "{folder}: the manifest cannot be written ({reason}). Choose a folder that can be written to.",
    ),
    "training_images_broken": (
        "사진 {count}장을 모두 읽을 수 없습니다. 예: {name}({reason})",
        "None of the {count} pictures can be read; {name}, for one: {reason}",
    ),
    # pushing to the Hub
    "push_not_logged_in": (
        "'{repo}'에 올리려면 {endpoint}에 로그인해야 합니다. 쓰기 권한이 있는 토큰으로 `hf auth login`을 "
        "실행하거나 HF_TOKEN에 토큰을 넣어 주세요.",
        "To push to '{repo}', log in to {endpoint}: run `hf auth login` with a token that may "
        "write, or put one into HF_TOKEN.",
    ),
    "push_denied": (
        "'{repo}'에 쓸 권한이 없습니다. 소유자 이름이 맞는지, 토큰에 쓰기 권한이 있는지 "
        "{endpoint}/settings/tokens에서 확인해 주세요.",
        "This login may not write to '{repo}'. Check the owner's name, and at "
        "{endpoint}/settings/tokens that the token has write permission.",
    ),
    "push_offline": (
        "오프라인 모드(HF_HUB_OFFLINE)가 켜져 있어 '{repo}'에 올릴 수 없습니다. 오프라인 모드를 끄고 다시 "
        "시도해 주세요.",
        "Offline mode (HF_HUB_OFFLINE) is on, so nothing can be pushed to '{repo}'. Turn it off "
        "and try again.",
    ),
    "push_cut": (
        "'{repo}'에 올리는 동안 {endpoint}와(과) 연결되지 않거나 연결이 끊겼습니다({reason}). 한 번의 "
        "커밋으로 올라가므로 일부만 보이는 일은 없습니다. 네트워크를 확인한 뒤 다시 실행해 주세요. "
        "되풀이되면 HF_HUB_DISABLE_XET=1을 지정해 보세요.",
        "{endpoint} could not be reached, or the connection broke, while pushing to '{repo}' "
        "({reason}). All goes up in one commit, so no part of it shows there. Check the "
        "network and run it again; if it recurs, try HF_HUB_DISABLE_XET=1.",
    ),
    "push_overtaken": (
        "올리는 사이에 '{repo}'이(가) 바뀌어 아무것도 올리지 않았습니다. {page}에서 바뀐 내용을 "
        "확인한 뒤 다시 실행해 주세요.",
        "'{repo}' changed in the meantime, so nothing was pushed. Look at {page}, then "
        "run it again.",
    ),
    "push_refused": (
        "{endpoint}이(가) '{repo}'에 올리는 요청을 거절했습니다: {reason}",
        "{endpoint} refused the push to '{repo}': {reason}",
    ),
    "push_no_card": (
        "{path}: 모델 카드로 쓸 파일이 없습니다.",
        "{path}: there is no such file to take as the model card.",
    ),
    "push_not_private": (
        "'{repo}'은(는) 이미 공개된 저장소라 비공개로 올릴 수 없습니다. {page}/settings에서 "
        "비공개로 바꾸거나 다른 이름을 사용해 주세요.",
        "'{repo}' is public already, so nothing private was pushed there. Make it private at "
        "{page}/settings, or choose another name.",
    ),
    "push_other_contents": (
        "'{repo}'에 KoCLIP 모델이 아닌 파일이 있어 올리지 않았습니다({page}). 다른 이름을 쓰거나, "
        "그래도 올리려면 --force(force=True)를 지정해 주세요.",
        "'{repo}' holds something that is no KoCLIP model ({page}), so nothing was "
        "pushed. Choose another name, or pass --force (force=True) to push there all the same.",
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
    # deploying the Space
    "deploy_no_checkout": (
        "{folder}: Space를 이루는 파일이 여기 없습니다({missing}). 설치된 패키지에는 일부만 들어 있으니, 저장소를 내려받아 그 "
        "폴더에서 `python -m koclip deploy`를 실행해 주세요.",
        "{folder}: files of the Space are not here ({missing}). An installed package holds only some of them: "
        "get a checkout of the repository and run `python -m koclip deploy` in its folder.",
    ),
    "deploy_other_contents": (
        "'{repo}'에 KoCLIP이 아닌 Space가 있어 올리지 않았습니다({page}). 다른 이름을 쓰거나, 그래도 올리려면 --force(force=True)를 "
        "지정해 주세요. 그러면 그 Space의 같은 이름 파일과 {replaced} 폴더의 내용이 바뀝니다.",
        "'{repo}' is a Space of something other than KoCLIP ({page}), so nothing was deployed. Choose another name, or pass "
        "--force (force=True): files of the same names, and all that is in its {replaced}, are then replaced.",
    ),
    # settings of the Space
    "settings_wrong": (
        "Space의 설정(환경 변수)이 잘못되어 시작하지 않았습니다. 아래를 고친 뒤 다시 시작해 주세요.\n{errors}",
        "The Space did not start, because of its settings (environment variables). Correct these and start it again.\n{errors}",
    ),
    "setting_not_a_number": (
        "{variable}: 값 '{value}'은(는) {least}에서 {most} 사이의 정수여야 합니다.",
        "{variable}: the value '{value}' must be a whole number from {least} to {most}.",
    ),
    "setting_no_model": (
        "{variable}: 값 '{value}'에 모델이 없습니다. 모델 이름, Hub 저장소 이름, 모델 폴더를 쉼표로 나누어 적어 주세요.",
        "{variable}: the value '{value}' names no model. List models, ids of Hub repositories or folders, separated by commas.",
    ),
    "setting_refused": (
        "{variable}: 값 '{value}'을(를) 쓸 수 없습니다. {reason}",
        "{variable}: the value '{value}' cannot be used. {reason}",
    ),
    "setting_not_offered": (
        "{variable}: '{value}' 모델은 고를 수 있는 모델이 아닙니다. KOCLIP_MODELS에 더하거나 다음 가운데 하나를 적어 주세요: {known}.",
        "{variable}: the model '{value}' is not among those offered. Add it to KOCLIP_MODELS, or use one of: {known}.",
    ),
    "setting_unknown": (
        "{variable}: 이런 설정은 없습니다(값: '{value}'). {close}을(를) 쓰려던 것이라면 이름을 고치고, 아니라면 지워 주세요.",
        "{variable}: there is no such setting (its value is '{value}'). If you meant {close}, correct the name; else remove it.",
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
    # the Space's API
    "model_not_offered": (
        "'{model}' 모델은 여기에서 쓸 수 없습니다. 다음 가운데 하나를 골라 주세요: {known}.",
        "The model '{model}' is not offered here. Choose one of: {known}.",
    ),
    "batch_empty": (
        "보낸 것이 없습니다. 하나 이상 보내 주세요.",
        "Nothing was sent. Send at least one item.",
    ),
    "batch_too_large": (
        "한 번에 {limit}개까지 받습니다({count}개를 보냈습니다). 나누어 보내 주세요.",
        "At most {limit} items are taken at once, and {count} were sent. Send them in parts.",
    ),
}
