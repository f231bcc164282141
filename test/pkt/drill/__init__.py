"""The language of packetdrill, and lastack behind its interface, for test/pkt/run.py."""
