"""What we remember: SQLite. Schema and migrations, regeneration in one transaction, reading back."""
