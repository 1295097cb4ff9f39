"""The parts of a portfolio's page, a file each: from what is stored to blocks."""
