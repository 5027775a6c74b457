"""The Space to the Hugging Face Hub: which files of a checkout it needs, and their upload."""

from __future__ import annotations

import re
from pathlib import Path

from huggingface_hub import SpaceInfo
from huggingface_hub.utils import filter_repo_objects

import koclip
from koclip.errors import KoCLIPError
from koclip.hub import locate
from koclip.hub.errors import repo_page
from koclip.hub.upload import NO_CONTENTS, Uploaded, check_login, check_repo_id, upload

FOLDERS = ("koclip/", "assets/", "docs/")
"""What a Space has in these is replaced as a whole; files elsewhere may be its owner's."""

# Globs in which * also stands for slashes, as in `hf upload --include`. Each finds something in
# a complete checkout. The package goes whole: the Space can then be deployed from its own clone.
_NEEDED = (
    "app.py",
    "requirements.txt",
    "README.md",  # its front matter configures the Space
    "LICENSE",
    "koclip/*.py",
    "koclip/*.css",
    "assets/koclip-mini/*",
    "assets/gallery/*",
    "assets/examples/*",
    "assets/labels/*",
    "assets/SBOM.json",  # the licences of all these
)
_OPTIONAL = ("koclip/*.js",)
# What builds and trains what is bundled, and hidden files.
_LEFT_OUT = (
    "*/.*",
    "*/__pycache__/*",
    "assets/*.py",
    "assets/gallery/packages.json",
    "assets/gallery/sources.jsonl",
    "assets/koclip-mini/*_ko.*",
)

_LINK = re.compile(r"""(?:\]\(|\bsrc(?:set)?=["'])([^)"'#?\s]+)""")

# Kinds of files that are no text, or larger than the 10 MB that the Hub takes outside LFS: those
# of the Space, and those that its owner may add, for example a gallery.
_LFS = (
    *("avif", "bmp", "gif", "jpeg", "jpg", "mp4", "png", "tif", "tiff", "webm", "webp"),
    *("bin", "msgpack", "npy", "npz", "pt", "safetensors", "tsv", "zip"),
)
ATTRIBUTES = (
    "".join(f"*.{suffix} filter=lfs diff=lfs merge=lfs -text\n" for suffix in _LFS)
    + "assets/labels/*.tsv !filter !diff !merge text\n"
)
"""The Space's .gitattributes. The checkout's own has no LFS, so that a plain clone is complete."""


def space_files() -> dict[str, Path | bytes]:
    """The files of the Space by their names there: contents, or where they are in this checkout.

    With them go the pictures and documents that README.md links to.

    Raises:
        KoCLIPError: this is no checkout, or an incomplete one; git-lfs has not fetched the
            weights.
    """
    root = Path(koclip.__file__).resolve().parent.parent
    folders = [root, *(root / name for name in FOLDERS)]
    paths = [p for folder in folders for p in folder.glob("*" if folder == root else "**/*")]
    names = sorted(p.relative_to(root).as_posix() for p in paths if p.is_file())
    ignored = list(_LEFT_OUT)

    def found(*patterns: str) -> set[str]:
        kept = filter_repo_objects(names, allow_patterns=list(patterns), ignore_patterns=ignored)
        return set(kept)

    if missing := [pattern for pattern in _NEEDED if not found(pattern)]:
        raise KoCLIPError("deploy_no_checkout", folder=root, missing=", ".join(missing))
    locate("koclip-mini")  # raises for a pointer of git-lfs
    linked = set(_LINK.findall((root / "README.md").read_text(encoding="utf-8")))
    chosen = found(*_NEEDED, *_OPTIONAL) | linked.intersection(names)
    return {".gitattributes": ATTRIBUTES.encode(), **{name: root / name for name in sorted(chosen)}}


def deploy(
    repo_id: str, *, private: bool = False, message: str | None = None, force: bool = False
) -> Uploaded:
    """Makes or updates the Gradio Space `repo_id` on the Hub out of this checkout.

    Needs a login (`hf auth login`, or a token in HF_TOKEN) that may write there. What the Space
    has in `FOLDERS` and no longer needs is removed; other files of its owner's stay.

    Args:
        repo_id: "owner/name".
        private: only the owner sees it. A Space that is public already is refused.
        message: of the commit.
        force: deploy even over a Space of something other than KoCLIP.

    Raises:
        KoCLIPError: this is no complete checkout, nobody is logged in, the Space is not one's own
            or is something else, or the Hub cannot be reached. The Space is then as it was.
    """
    check_repo_id(repo_id)
    files = space_files()
    check_login(repo_id)

    def check(current: SpaceInfo) -> None:
        if not force and not _is_ours(current):
            raise KoCLIPError(
                "deploy_other_contents",
                repo=repo_id,
                page=repo_page(repo_id, "space"),
                replaced=", ".join(FOLDERS),
            )

    return upload(
        repo_id,
        files,
        check,
        message=message or f"Deploy KoCLIP {koclip.__version__}",
        repo_type="space",
        private=private,
        replaced=FOLDERS,
    )


def _is_ours(current: SpaceInfo) -> bool:
    """Whether a Space is empty or one of KoCLIP."""
    names = {file.rfilename for file in current.siblings or ()}
    return names.issubset(NO_CONTENTS) or {"app.py", "koclip/ui/launch.py"}.issubset(names)
