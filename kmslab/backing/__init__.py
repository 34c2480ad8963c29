"""Where key material lives. One interface, chosen by a key's Origin; callers outside see sealed bytes only."""
