"""Executors: this process, and a real Ray cluster."""
