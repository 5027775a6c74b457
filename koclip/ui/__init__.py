"""The Space: one Gradio page with three tabs over the three demos."""
