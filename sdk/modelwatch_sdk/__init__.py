"""Logs a serving app's predictions to Modelwatch: no dependencies, never blocks, never raises."""

from modelwatch_sdk.monitor import Monitor
from modelwatch_sdk.stats import Stats

__all__ = ["Monitor", "Stats"]
