"""Charts as SVG; colours are variables of the style sheet, so one drawing serves light, dark and paper."""
