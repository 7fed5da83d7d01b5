"""The pages, one module each: what they read, and which template shows it."""
