"""What can go wrong while measuring speed."""

from __future__ import annotations

MESSAGES: dict[str, tuple[str, str]] = {
    "benchmark_unknown_suite": (
        "'{name}'(이)라는 측정은 없습니다. 고를 수 있는 것: {known}.",
        "There is no suite '{name}'. Choose from: {known}.",
    ),
    "benchmark_failed": (
        "측정하던 '{what}'이(가) 멈췄습니다. 마지막 출력:\n{reason}",
        "'{what}' failed while it was measured. Its last words:\n{reason}",
    ),
    "benchmark_disagree": (
        "{row}: '{of}'의 답이 '{to}'의 답과 다릅니다(코사인 {least} 미만). 같은 계산이 아니므로 "
        "속도를 비교할 수 없습니다.",
        "{row}: '{of}' and '{to}' disagree (cosine below {least}). They do not compute the same, "
        "so their speeds cannot be compared.",
    ),
    "benchmark_needs_linux": (
        "'load' 측정은 프로세스의 메모리를 따로 알려 주는 리눅스에서만 됩니다. 다른 측정을 골라 "
        "주세요.",
        "The suite 'load' needs Linux, which tells the memory of a process apart. Choose others.",
    ),
    "benchmark_no_app": (
        "{path} 파일이 없습니다. 스페이스를 측정하려면 저장소를 내려받아 그 폴더에서 실행해 주세요.",
        "{path} is not there. To measure the Space, run this in a clone of the repository.",
    ),
    "benchmark_no_marks": (
        "{path}에 수치를 넣을 자리({marks})가 없습니다. 두 표시를 넣어 주세요.",
        "{path} has no place for figures ({marks}). Add the two marks.",
    ),
    "benchmark_unreadable": (
        "{path}: 측정 결과를 읽을 수 없습니다({reason}). 파일을 지우거나 다른 이름을 써 주세요.",
        "{path}: no results can be read ({reason}). Remove the file or use another name.",
    ),
}
