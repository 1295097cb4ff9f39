"""The version of the engine: the one place that says it."""

VERSION = "0.2.0"
