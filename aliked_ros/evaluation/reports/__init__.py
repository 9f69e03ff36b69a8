"""What was found, as tables, charts and files."""
