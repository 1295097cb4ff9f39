"""Numerical kernels: arrays in, small frozen results out."""
