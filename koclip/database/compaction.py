"""Rewriting segments, so that there are few, and little in them that was removed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from koclip.database.manifest import SegmentEntry
from koclip.database.segments import copy_form, open_segment, read_thumbnail
from koclip.database.writer import DatabaseWriter

_DEAD = 0.25  # part of a segment from which it is rewritten
_SMALL = 16  # segments that may be joined, until they are


def compact_segments(writer: DatabaseWriter, segment_images: int) -> None:
    """Rewrites segments of which more than a quarter was removed, or that lack the compact copy
    that the database has, and joins neighbours when many are small. The order of the images
    remains, and one segment at a time is in memory.

    Raises:
        KoCLIPError: a segment is damaged, or the disk is full; the database is as it was.
    """
    segments = writer.manifest.segments
    groups = list(_groups(segments, segment_images))
    joins = len(segments) - len(groups) > _SMALL
    for group in groups if joins else [[segment] for segment in segments]:
        has_dead = len(group[0].removed) > _DEAD * group[0].rows
        if len(group) > 1 or has_dead or not _has_copy(writer, group[0]):
            _rewrite(writer, group)


def _has_copy(writer: DatabaseWriter, segment: SegmentEntry) -> bool:
    """Whether the segment has the compact copy that new ones have."""
    return writer.compact in (None, copy_form(writer.folder, segment))


def _groups(segments: Sequence[SegmentEntry], most: int) -> Iterator[list[SegmentEntry]]:
    """Neighbours that together have at most that many images."""
    group: list[SegmentEntry] = []
    count = 0
    for segment in segments:
        images = segment.rows - len(segment.removed)
        if group and count + images > most:
            yield group
            group, count = [], 0
        group.append(segment)
        count += images
    if group:
        yield group


def _rewrite(writer: DatabaseWriter, group: Sequence[SegmentEntry]) -> None:
    dimension = writer.manifest.dimension
    items, rows, thumbnails = [], [np.empty((0, dimension), np.float32)], {}
    for segment in group:
        store, lines = open_segment(writer.folder, segment, dimension)
        live = np.arange(segment.rows) if segment.live is None else segment.live
        for row in live.tolist():
            if small := read_thumbnail(writer.folder, segment, row):
                thumbnails[len(items)] = small
            items.append(lines[row])
        rows.append(store.rows[live])
    writer.merge(group, items, np.concatenate(rows), thumbnails)
