"""The calendar of the example: event times, all in UTC."""

from __future__ import annotations

import pandas as pd

V1_TRAINED = pd.Timestamp("2013-03-16", tz="UTC")
REFERENCE_END = pd.Timestamp("2013-05-01", tz="UTC")
"""The reference is the stretch right after v1's training data; the replay begins where it ends."""
V2_TRAINED = pd.Timestamp("2013-09-01", tz="UTC")
RELEASE = pd.Timestamp("2013-09-03 10:00", tz="UTC")
END = pd.Timestamp("2014-01-02", tz="UTC")
"""The last flights of the year land on New Year's Day."""
