// Lies above.
