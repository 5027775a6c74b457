"""The page in a real browser: every tab, width, language and colour scheme."""
