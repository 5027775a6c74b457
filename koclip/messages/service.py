"""What the running Space says about requests that it does not take, and files that it does not open."""

from __future__ import annotations

MESSAGES: dict[str, tuple[str, str]] = {
    "request_address": (
        "주소로 알려 준 파일은 내려받지 않습니다. 사진을 직접 올려 주세요. (Python: 파일로 저장한 뒤 handle_file(경로))",
        "Files are not fetched from addresses. Upload the picture itself. (Python: save it, then handle_file(path))",
    ),
    "request_not_uploaded": (
        "올라온 파일이 아니어서 열지 않습니다. 사진을 다시 올려 주세요.",
        "That is not an uploaded file, so it is not opened. Upload the picture again.",
    ),
    "request_bad": (
        "요청을 이해할 수 없습니다. 값의 개수와 종류를 확인해 주세요. API 문서: docs/api.md",
        "The request cannot be understood. Check how many values there are, and their types. See docs/api.md",
    ),
    "request_bad_value": (
        "쓸 수 없는 값입니다({reason}). API 문서: docs/api.md",
        "A value cannot be used ({reason}). See docs/api.md",
    ),
    "request_no_endpoint": (
        "그런 기능이 없습니다. 쓸 수 있는 이름: {known}.",
        "There is no such endpoint. Known names: {known}.",
    ),
    "request_no_page": (
        "이 주소에는 아무것도 없습니다.",
        "There is nothing at this address.",
    ),
    "request_too_large": (
        "요청이 너무 큽니다. {limit} MB까지 받습니다. 더 작게 저장하거나 나누어 보내 주세요.",
        "The request is too large; at most {limit} MB are taken. Save it smaller, or send it in parts.",
    ),
    "request_file_too_large": (
        "파일이 너무 큽니다. {limit} MB까지 받습니다. 더 작게 저장해 주세요.",
        "The file is too large; at most {limit} MB are taken. Save it smaller.",
    ),
    "request_busy": (
        "지금은 기다리는 사람이 많습니다({waiting}명). 잠시 뒤에 다시 해 주세요.",
        "Too many are waiting just now ({waiting}). Try again in a moment.",
    ),
    "request_busy_yours": (
        "보낸 요청 {waiting}개가 아직 차례를 기다립니다. 답을 받은 뒤에 더 보내 주세요.",
        "{waiting} requests of yours are still waiting. Send more when they are answered.",
    ),
    "request_stopping": (
        "서버가 다시 시작하는 중이라 새 요청을 받지 않습니다. 잠시 뒤에 다시 해 주세요.",
        "The server is restarting and takes no new requests. Try again in a moment.",
    ),
    "request_disk_full": (
        "서버에 파일을 둘 자리가 없습니다. 잠시 뒤에 다시 올려 주세요.",
        "The server has no room for files just now. Upload it again in a moment.",
    ),
}
