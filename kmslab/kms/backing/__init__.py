"""Where key material lives: one interface, chosen by a key's Origin. Outside, it is sealed."""
