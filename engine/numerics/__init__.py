"""Numerical kernels: arrays in, arrays or small frozen dataclasses of arrays out."""
