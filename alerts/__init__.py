"""Verdicts in: incidents, notifications, remediation, and the audit log of all of it."""
