"""The sections of a portfolio's page, a file each: from stored rows to blocks."""
