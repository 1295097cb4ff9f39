"""Colours of the style sheet that charts use beside those of their series."""

INK, MUTED = "var(--ink)", "var(--muted)"
