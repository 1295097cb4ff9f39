"""One file for each figure: plain functions from frames to frames."""
