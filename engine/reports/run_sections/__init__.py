"""Sections of the page of a run, a file each."""
