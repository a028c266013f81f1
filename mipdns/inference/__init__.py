"""What we conclude: features, scorecard, and the roll-up of units into ranges. No files, no SQL."""
