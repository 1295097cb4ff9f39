"""From Inputs to Results: the jobs in order, their rows and their status."""
