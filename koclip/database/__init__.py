"""Image databases: unit embeddings, and what is known about each image. See docs/databases.md."""

from koclip.database.image_database import ImageDatabase, database_path
from koclip.database.items import ImageItem
from koclip.database.tsv import COCO_IMAGES

__all__ = ["COCO_IMAGES", "ImageDatabase", "ImageItem", "database_path"]
