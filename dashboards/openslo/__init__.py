"""Objectives as OpenSLO v1 documents (https://github.com/OpenSLO/OpenSLO), and back."""

from dashboards.openslo.reading import OpenSloError, Refused, read_objectives
from dashboards.openslo.writing import documents

__all__ = ["OpenSloError", "Refused", "documents", "read_objectives"]
