"""Correlation matrices of a portfolio's holdings."""
