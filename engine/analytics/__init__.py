"""The figures, a folder for each family: functions from panels and frames to rows of tables."""
