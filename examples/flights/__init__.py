"""Will a flight arrive more than 15 minutes late? Real data, a real release fault, a real rollback."""
