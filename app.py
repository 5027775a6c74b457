"""The KoCLIP Space. `python app.py` opens it on this machine."""

from __future__ import annotations

import os
import sys

from koclip.ui.uploads import upload_folder

# Before gradio is imported: the page must open, and stay, without any network.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
# Gradio's statistics of its queue, by default made anew at every answer, cost a tenth of all.
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "100")

if __name__ == "__main__":
    with upload_folder() as uploads:  # gradio reads where it is when it is imported
        from koclip.ui.launch import launch

        launch(uploads)
    sys.stdout.flush()
    os._exit(0)  # whatever still computes: XLA aborts when Python ends under it
