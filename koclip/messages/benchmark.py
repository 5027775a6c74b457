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
    "benchmark_unreadable": (
        "{path}: 측정 결과를 읽을 수 없습니다({reason}). 파일을 지우거나 다른 이름을 써 주세요.",
        "{path}: no results can be read ({reason}). Remove the file or use another name.",
    ),
}
