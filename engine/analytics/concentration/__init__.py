"""Sector weights and concentration of a portfolio."""
