"""Charts as SVG that takes its colours from the page, so that one drawing serves light, dark and paper."""
