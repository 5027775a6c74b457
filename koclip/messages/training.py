"""What is wrong with training and evaluation, and what they are fed."""

from __future__ import annotations

MESSAGES: dict[str, tuple[str, str]] = {
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
}
