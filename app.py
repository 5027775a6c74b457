"""The KoCLIP Space. `python app.py` opens it on this machine."""

from __future__ import annotations

import os

# Before gradio is imported: the page must open, and stay, without any network.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
# Gradio's statistics of its queue, by default made anew at every answer, cost a tenth of all.
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "100")

from koclip.ui.launch import launch

if __name__ == "__main__":
    launch()
