"""What is wrong with the engines that databases grow into: Qdrant and Ray."""

from __future__ import annotations

MESSAGES: dict[str, tuple[str, str]] = {
    "qdrant_missing": (
        "Qdrant를 쓰려면 qdrant-client 라이브러리가 필요합니다. `{command}`로 설치해 주세요.",
        "Qdrant needs the qdrant-client library. Install it with `{command}`.",
    ),
    "qdrant_unreachable": (
        "{place}의 Qdrant 서버에 연결할 수 없습니다({reason}). 서버가 켜져 있는지, 주소가 맞는지 확인해 주세요.",
        "The Qdrant server at {place} cannot be reached ({reason}). Check that it runs and that the address is right.",
    ),
    "qdrant_denied": (
        "{place}의 Qdrant 서버가 접근을 거절했습니다({reason}). 환경 변수 QDRANT_API_KEY에 API 키를 넣어 주세요.",
        "The Qdrant server at {place} denies access ({reason}). Put the API key into the environment as QDRANT_API_KEY.",
    ),
    "qdrant_failed": (
        "{place}의 Qdrant가 요청을 처리하지 못했습니다({reason}).",
        "Qdrant at {place} could not do what it was asked for ({reason}).",
    ),
    "qdrant_not_koclip": (
        "{place}: 컬렉션 '{collection}'은(는) KoCLIP이 만든 것이 아닙니다. `{place}#다른-이름`처럼 다른 컬렉션을 지정해 주세요.",
        "{place}: the collection '{collection}' was not made by KoCLIP. Name another one, as in `{place}#other-name`.",
    ),
    "qdrant_other_model": (
        "컬렉션 '{collection}'에는 '{made_by}' 모델의 임베딩이 들어 있어 '{model}' 모델과 함께 쓸 수 없습니다. "
        "모델마다 컬렉션을 따로 두세요(`#이름`).",
        "The collection '{collection}' holds embeddings of '{made_by}', which cannot be used with those of "
        "'{model}'. Give each model a collection of its own (`#name`).",
    ),
    "qdrant_empty": (
        "{place}: 컬렉션 '{collection}'이(가) 없습니다. `python -m koclip qdrant 데이터베이스 {place}`로 만들 수 있습니다.",
        "{place}: there is no collection '{collection}'. Make one with `python -m koclip qdrant DATABASE {place}`.",
    ),
    "qdrant_no_groups": (
        "Qdrant 검색에서는 비슷한 이미지를 묶을 수 없습니다.",
        "Searches in Qdrant cannot count nearly equal images as one.",
    ),
    "ray_missing": (
        "`--engine ray`를 쓰려면 Ray 라이브러리가 필요합니다. `{command}`로 설치해 주세요.",
        "`--engine ray` needs the Ray library. Install it with `{command}`.",
    ),
    "ray_not_files": (
        "Ray의 작업 프로세스는 압축 파일이나 데이터셋 안의 사진을 읽을 수 없습니다. 압축을 푼 폴더를 지정해 주세요.",
        "Ray's workers cannot read pictures inside archives or data sets. Name a folder that they are unpacked in.",
    ),
    "ray_failed": (
        "Ray에서 이미지를 임베딩하지 못했습니다({reason}). 모든 컴퓨터에 KoCLIP이 설치되어 있고 사진과 모델 파일이 같은 경로에 있는지 확인해 주세요.",
        "The images could not be embedded on Ray ({reason}). Check that KoCLIP is installed on all machines and that pictures and the model's files are at the same paths on each.",
    ),
}
