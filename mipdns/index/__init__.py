"""What we serve: from the store's `verdict` rows to a look-up that never waits."""
