"""What is wrong with the Hub, its files, or what is sent there."""

from __future__ import annotations

MESSAGES: dict[str, tuple[str, str]] = {
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
}
