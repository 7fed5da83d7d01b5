"""From raw values to clean columns, every bad value told apart."""
