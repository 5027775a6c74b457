"""What is wrong with databases, and with what a Space is set up with."""

from __future__ import annotations

MESSAGES: dict[str, tuple[str, str]] = {
    # databases
    "database_not_found": (
        "{path}: 이미지 데이터베이스가 없습니다. `python -m koclip index 폴더`로 만들 수 있습니다.",
        "{path}: there is no image database. Make one with `python -m koclip index FOLDER`.",
    ),
    "database_unreadable": (
        "{path}: 이미지 데이터베이스를 읽을 수 없습니다({reason}). "
        "`python -m koclip index 폴더 --rebuild`로 다시 만들 수 있습니다.",
        "{path}: the image database cannot be read ({reason}). "
        "`python -m koclip index FOLDER --rebuild` makes it anew.",
    ),
    "database_other_model": (
        "이 데이터베이스는 '{database_model}' 모델로 만들어져 '{model}' 모델로는 검색할 수 없습니다. "
        "{database_model} 모델을 고르거나 `{command}`로 다시 만들어 주세요.",
        "This database was made by '{database_model}' and cannot be searched with '{model}'. "
        "Choose {database_model}, or rebuild it with `{command}`.",
    ),
    "database_locked": (
        "{path}: 다른 프로그램이 지금 이 데이터베이스를 만들고 있습니다. 끝난 뒤에 다시 실행해 주세요.",
        "{path}: another process is building this database. Run the command again when it has ended.",
    ),
    "database_unwritable": (
        "{path}: 데이터베이스를 쓸 수 없습니다({reason}). 그때까지 저장한 것은 그대로 있으니, "
        "디스크 공간과 쓰기 권한을 확인한 뒤 다시 실행하면 이어서 만듭니다.",
        "{path}: the database cannot be written ({reason}). What was saved before is intact: check "
        "free space and permissions, and run the command again to go on.",
    ),
    # sharing them
    "share_first_schema": (
        "{path}: 이전 형식의 데이터베이스라 올릴 수 없습니다. `python -m koclip index`로 먼저 "
        "새 형식으로 바꿔 주세요.",
        "{path}: the database is of the first schema, which cannot be pushed. Bring it up to date "
        "with `python -m koclip index` first.",
    ),
    "share_other_contents": (
        "'{repo}'에 이미지 데이터베이스가 아닌 파일이 있어 올리지 않았습니다({page}). 다른 이름을 "
        "쓰거나, 그래도 올리려면 --force(force=True)를 지정해 주세요.",
        "'{repo}' holds something that is no image database ({page}), so nothing was pushed. Choose "
        "another name, or pass --force (force=True) to push there all the same.",
    ),
    "share_paths_hidden": (
        "이미지 {count}장은 데이터베이스 폴더 밖에 있어 파일 이름만 올렸습니다. 경로와 사진은 올리지 "
        "않았습니다.",
        "{count} images lie outside the database's folder: only the names of their files were "
        "pushed, neither paths nor pictures.",
    ),
    "share_no_database": (
        "'{repo}'의 database.json을 읽을 수 없습니다({reason}). 저장소 이름과 리비전을 확인해 "
        "주세요.",
        "database.json of '{repo}' cannot be read ({reason}). Check the repository's name and "
        "revision.",
    ),
    "share_damaged": (
        "'{repo}'의 {file}이(가) 손상되었습니다: {expected}이어야 하는데 {actual}입니다. 올린 "
        "사람이 다시 올려야 합니다.",
        "{file} of '{repo}' is damaged: expected {expected}, found {actual}. Its owner has to push "
        "it again.",
    ),
    "share_leads_outside": (
        "'{repo}'의 이미지 '{file}'은(는) 데이터베이스 폴더 밖을 가리켜 받지 않았습니다.",
        "The image '{file}' of '{repo}' leads out of the database's folder, so the database was not "
        "taken.",
    ),
    "share_local_changes": (
        "{path}: Hub에서 받은 것과 다릅니다. -o로 다른 폴더를 고르거나, 덮어쓰려면 "
        "--force(force=True)를 지정해 주세요.",
        "{path} is not what came from the Hub. Choose another folder with -o, or pass --force "
        "(force=True) to replace it.",
    ),
    "source_unknown": (
        "{path}: 이미지 폴더, .zip 파일, .csv 파일, hub:소유자/데이터셋 가운데 하나를 적어 주세요.",
        "{path}: give a folder of pictures, a .zip or .csv file, or hub:owner/dataset.",
    ),
    "index_no_target": (
        "폴더 하나가 아니면 데이터베이스를 둘 폴더를 `-o 폴더`로 정해 주세요.",
        "Unless the source is one folder, say with `-o FOLDER` where the database should be.",
    ),
    "url_not_fetched": (
        "{url}: 인터넷 주소의 이미지는 --fetch 옵션을 주어야 받아 옵니다.",
        "{url}: pictures at web addresses are fetched only with the option --fetch.",
    ),
    "url_unreadable": (
        "{url}: 받아 올 수 없습니다({reason}).",
        "{url}: it cannot be fetched ({reason}).",
    ),
    "export_unknown_form": (
        "{path}: 내보낼 수 있는 형식은 .tsv, .parquet, 그리고 datasets 폴더(확장자 없음)입니다.",
        "{path}: a database can be exported as .tsv, as .parquet, or as a datasets folder (a name "
        "without a suffix).",
    ),
    "export_library_missing": (
        "{path}: 이 형식으로 내보내려면 {library} 라이브러리가 필요합니다. "
        "`pip install {library}`로 설치해 주세요.",
        "{path}: exporting this needs the library {library}. Install it with "
        "`pip install {library}`.",
    ),
    "export_exists": (
        "{path}: 이미 있습니다. 다른 이름을 적거나 먼저 지워 주세요.",
        "{path}: it is there already. Give another name, or remove it first.",
    ),
    "database_none_for_model": (
        "모델 '{model}'에 맞는 이미지 데이터베이스가 정해져 있지 않습니다. "
        "`python -m koclip index 폴더 --model {model}`로 만들어 주세요.",
        "No image database is known for model '{model}'. Make one with "
        "`python -m koclip index FOLDER --model {model}`.",
    ),
    "embedding_not_finite": (
        "이미지 데이터베이스가 손상되었습니다({row}번 행의 임베딩이 유한한 수가 아닙니다). "
        "`python -m koclip index 폴더`로 다시 만들어 주세요.",
        "The image database is damaged (the embedding in row {row} is not finite). "
        "Rebuild it with `python -m koclip index FOLDER`.",
    ),
    # searching
    "query_not_finite": (
        "찾는 것의 임베딩에 유한하지 않은 수가 있습니다. 모델이나 직접 만든 임베딩을 확인해 주세요.",
        "The embedding of what is looked for is not finite. Check the model, or the embedding if it is "
        "your own.",
    ),
    "where_bad": (
        "'{condition}'은(는) 조건이 아닙니다. license=CC0-1.0, title~산, taken>=2024-05처럼 항목, "
        "기호(=, !=, ~, >, >=, <, <=), 값을 적어 주세요.",
        "'{condition}' is no condition. Write a field, a sign (=, !=, ~, >, >=, <, <=) and a value, "
        "as in license=CC0-1.0, title~mountain or taken>=2024-05.",
    ),
    "where_not_comparable": (
        "조건 '{condition}'의 값 '{value}'은(는) 크기를 비교할 수 있는 수나 날짜(2024-05-31)가 아닙니다.",
        "In the condition '{condition}', the value '{value}' is neither a number nor a date "
        "(2024-05-31), so nothing can be greater or less.",
    ),
    "where_unknown_field": (
        "이 데이터베이스의 이미지에는 '{field}' 항목이 없습니다. 쓸 수 있는 항목: {known}.",
        "The images of this database have no field '{field}'. Known fields: {known}.",
    ),
    "search_nothing": (
        "조건에 맞는 이미지가 없습니다.",
        "No image meets the conditions.",
    ),
    "group_bad": (
        "비슷한 이미지를 묶는 기준이 '{value}'입니다. 0보다 크고 1 이하인 코사인 값(예: 0.97)을 넣어 주세요.",
        "The threshold for grouping images is '{value}'. Give a cosine above 0 and up to 1, such as 0.97.",
    ),
    "preview_no_colours": (
        "이 터미널에는 색으로 그림을 그릴 수 없습니다(TERM이 dumb이거나 NO_COLOR가 켜져 있습니다). "
        "--preview 대신 --html 파일을 사용해 주세요.",
        "This terminal shows no colours (TERM is dumb, or NO_COLOR is set), so nothing can be drawn "
        "on it. Use --html FILE instead of --preview.",
    ),
    "file_unwritable": (
        "{path}: 파일을 쓸 수 없습니다({reason}). 폴더가 있는지, 쓰기 권한이 있는지 확인해 주세요.",
        "{path}: the file cannot be written ({reason}). Check that its folder exists and is writable.",
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
    "database_of_no_model": (
        "이 데이터베이스를 만든 '{database_model}' 모델은 고를 수 있는 모델({known})이 아닙니다. "
        "KOCLIP_MODELS에 더하거나 `{command}`로 다시 만들어 주세요.",
        "This database was made by '{database_model}', which is not among the models offered ({known}). "
        "Add it to KOCLIP_MODELS, or rebuild the database with `{command}`.",
    ),
    "database_name_taken": (
        "'{name}'(이)라는 이름을 {other}도 씁니다. 데이터베이스는 이름으로 고르니 폴더나 파일의 이름을 바꿔 주세요.",
        "It is called '{name}', and so is {other}. Databases are chosen by name: rename one of the folders or files.",
    ),
    "database_named_gallery": (
        "'{name}'은(는) 모델마다 딸린 갤러리의 이름입니다. 폴더나 파일의 이름을 바꿔 주세요.",
        "'{name}' is what the gallery that goes with a model is called. Rename the folder or file.",
    ),
    "setting_not_offered": (
        "{variable}: '{value}' 모델은 고를 수 있는 모델이 아닙니다. KOCLIP_MODELS에 더하거나 다음 가운데 하나를 적어 주세요: {known}.",
        "{variable}: the model '{value}' is not among those offered. Add it to KOCLIP_MODELS, or use one of: {known}.",
    ),
    "setting_unknown": (
        "{variable}: 이런 설정은 없습니다(값: '{value}'). {close}을(를) 쓰려던 것이라면 이름을 고치고, 아니라면 지워 주세요.",
        "{variable}: there is no such setting (its value is '{value}'). If you meant {close}, correct the name; else remove it.",
    ),
    # the Space's API
    "model_not_offered": (
        "'{model}' 모델은 여기에서 쓸 수 없습니다. 다음 가운데 하나를 골라 주세요: {known}.",
        "The model '{model}' is not offered here. Choose one of: {known}.",
    ),
    "database_not_offered": (
        "'{database}'(이)라는 데이터베이스는 없습니다. {model} 모델로 찾을 수 있는 것: {known}.",
        "There is no database '{database}'. Those that {model} can search: {known}.",
    ),
    "database_of_other_model": (
        "'{database}' 데이터베이스는 {maker} 모델로 만들었습니다. 모델을 {maker}(으)로 바꾸거나 다음 가운데에서 "
        "골라 주세요: {known}.",
        "The database '{database}' was made by {maker}. Choose that model, or one of these databases: "
        "{known}.",
    ),
    "database_opening": (
        "'{database}' 데이터베이스를 여는 중입니다. 잠시 뒤에 다시 찾아 주세요. 그동안 다른 곳에서 찾을 수 있습니다.",
        "The database '{database}' is being opened. Search again in a moment; the others can be searched meanwhile.",
    ),
    "database_unavailable": (
        "'{database}' 데이터베이스를 지금은 열 수 없습니다. {reason} 잠시 뒤 다시 열어 보며, 그동안 다른 곳에서 "
        "찾을 수 있습니다.",
        "The database '{database}' cannot be opened now. {reason} It is tried again in a while; the others can "
        "be searched meanwhile.",
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
