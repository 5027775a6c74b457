"""What is taken from people at most: every limit, with the message of who goes beyond it.

| of | at most | message |
| --- | --- | --- |
| a picture: bytes of its file | `MAX_IMAGE_MEGABYTES` | image_file_too_large |
| a picture: pixels | `MAX_MEGAPIXELS` | image_too_large |
| a picture: pieces, metadata | `MAX_READS_TO_OPEN`, `MAX_READS`, its size | image_laborious |
| a progressive JPEG: scans × pixels | `MAX_SCANNED_MEGAPIXELS` | image_laborious |
| an animation: frames | the first one is decoded, the others are not | – |
| a text: characters | `MAX_CHARACTERS` | text_too_many_characters |
| a text: tokens | the model's `max_tokens` | text_too_long |
| labels | `MAX_LABELS` | labels_too_many |
| templates | `MAX_TEMPLATES` | templates_too_many |
| labels × templates | `MAX_SENTENCES` | sentences_too_many |
| parts of a search query | `MAX_PARTS` | query_too_long |
| queries in a picture | `MAX_QUERIES` | queries_too_many |
| rows and columns of tiles | `MAX_ROWS` | grid_bad_size |
| overlap of tiles | `MAX_OVERLAP` | grid_bad_overlap |
| tiles | `MAX_TILES` | grid_too_many_tiles |
| photos of one's own: files | `MAX_PHOTOS` | photos_too_many |
| photos of one's own: bytes of one | `MAX_PHOTO_MEGABYTES` | photo_too_large |
| photos of one's own: bytes of all | `MAX_PHOTOS_MEGABYTES` | photos_too_much |
| photos of one's own: list of a ZIP | `MAX_LIST_MEGABYTES` | zip_long_list |
| items in a call of a batch endpoint | `MAX_BATCH` | batch_too_large |
| a call over HTTP: bytes of its body | `MAX_CALL_MEGABYTES` | request_too_large |

All messages are Korean and English (`koclip.messages`). What the Space's owner can set is in
`koclip.settings`: the bytes of an upload, how many wait, and how many are answered at once.
"""

from __future__ import annotations

MAX_IMAGE_MEGABYTES = 100
"""Of one picture's file; more is not read."""
MAX_MEGAPIXELS = 100
"""Larger pictures are refused before they are decoded: 100 megapixels decode to 300 MB."""
MAX_READS_TO_OPEN = 10_000
"""Pieces that a picture's reader takes until it knows the size: a photograph has some hundred
markers, chunks or tags. Each costs a step in Python, and one of GIF's copies all before it."""
MAX_READS = 200_000
"""Pieces of the whole picture: run-length coded BMPs are read byte by byte."""
MAX_SCANNED_MEGAPIXELS = 2000
"""Pixels times scans of a progressive JPEG, which has about ten. Every scan goes through all
pixels, and may be as short as 100 bytes."""

MAX_CHARACTERS = 10_000
"""Of one text; no model reads as many, and the tokenizers' work grows with them."""
MAX_LABELS = 1000
MAX_TEMPLATES = 100
MAX_SENTENCES = 10_000
"""Labels times templates: minutes of work."""
MAX_PARTS = 16
"""Things to add to a search and to leave out."""

MAX_ROWS = 16
"""Of tiles; as many columns."""
MAX_TILES = 256
MAX_OVERLAP = 0.75
"""The share of its edge that a tile has in common with the next one."""
MAX_QUERIES = 6
"""That tiles are compared with at once."""

MAX_PHOTOS = 1000
"""Files that are taken at once."""
MAX_PHOTO_MEGABYTES = 20
"""Of one of them, unpacked."""
MAX_PHOTOS_MEGABYTES = 500
"""Of all of them, unpacked."""
MAX_LIST_MEGABYTES = 4
"""Of a ZIP's list of members: some ten thousand names. A million take ten seconds to be read."""

MAX_BATCH = 64
"""Texts or pictures in one call of a batch endpoint."""
MAX_CALL_MEGABYTES = 16
"""Of the body of a call over HTTP; a shot of the camera comes in it as base64."""
