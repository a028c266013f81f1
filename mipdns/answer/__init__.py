"""What we answer: bytes in, bytes out. The readable specification of every response."""
