"""The card (README.md) of a database on the Hub: what is in it, and how to get and search it."""

from __future__ import annotations

import json
import re
from collections import Counter

from koclip.database.items import ImageItem
from koclip.database.manifest import SEGMENTS, Manifest
from koclip.hub.card import markdown_table

_LICENSES = 20
# Those of the Hub's identifiers that pictures are usually under.
_HUB_LICENSE = re.compile(r"cc0-1\.0|cc-by(-nc)?(-sa|-nd)?-4\.0|mit|apache-2\.0")

_USAGE = """\
## Use

With [KoCLIP](https://huggingface.co/spaces/flax-community/koclip) and the model {model}:

```sh
python -m koclip search hub:{repo} "눈 덮인 산"     # from the Hub's cache
python -m koclip pull {repo} -o {name}     # the database and its pictures, to keep
```

`datasets.load_dataset("{repo}")` reads what is known about the images."""


def database_card(
    repo_id: str, manifest: Manifest, items: list[ImageItem], license: str | None = None
) -> str:
    """A dataset card in Markdown with the Hub's front matter.

    `license` is an identifier of the Hub's; without one, that which all images have, if any.
    """
    counts = Counter(item.license for item in items)
    common = next(iter(counts)).lower() if len(counts) == 1 else ""
    if license is None and _HUB_LICENSE.fullmatch(common):
        license = common
    data = [{"split": "train", "path": f"{SEGMENTS}/*/items.jsonl"}]
    metadata = {
        "language": "ko",
        "license": license,
        "task_categories": ["image-feature-extraction"],
        "tags": ["koclip", "clip", "korean", "image-search"],
        "configs": [{"config_name": "default", "data_files": data}],
    }
    front = [f"{key}: {json.dumps(value)}" for key, value in metadata.items() if value]
    name = repo_id.rpartition("/")[2]
    about = {
        "images": f"{len(items):,}",
        "model": manifest.model,
        "revision of the model": manifest.revision,
        "dimension": manifest.dimension,
    }
    shown = counts.most_common(_LICENSES)
    licenses = [{"licence": text or "not stated", "images": n} for text, n in shown]
    if rest := len(items) - sum(counts[text] for text, _ in shown):
        licenses.append({"licence": "others", "images": rest})
    sections = [
        "\n".join(["---", *front, "---", "", f"# {manifest.title or name}"]),
        "An image database: pictures that can be searched in Korean.",
        *markdown_table([{"": key, "of this database": value} for key, value in about.items()]),
        _USAGE.format(repo=repo_id, name=name, model=manifest.model),
        "## Licences\n\nEvery image has its own, with its author, in `items.jsonl`.",
        *markdown_table(licenses),
    ]
    return "\n\n".join(sections) + "\n"
