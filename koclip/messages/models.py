"""What is wrong with a model's files."""

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
    "precision_unknown": (
        "'{precision}'(이)라는 정밀도는 없습니다. 쓸 수 있는 것: {known}.",
        "There is no precision '{precision}'. Known: {known}.",
    ),
    "model_no_room": (
        "모델 '{model}'에 필요한 메모리 {size} GB를 확보할 수 없습니다. 지금 답하고 있는 모델들이 {taken} GB를 쓰고 "
        "있고 한도는 {limit} GB입니다. 잠시 뒤에 다시 시도하거나, Space 주인이라면 KOCLIP_MEMORY_GB를 늘려 주세요.",
        "There is no room for the {size} GB of '{model}': the models that are in use take {taken} GB, of "
        "{limit} GB. Try again in a while; the owner of the Space can raise KOCLIP_MEMORY_GB.",
    ),
}
