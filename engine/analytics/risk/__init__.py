"""Stress scenarios and what a portfolio gains or loses in each."""
