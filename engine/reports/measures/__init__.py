"""Figures that a page computes from stored ones; each module documents how."""
