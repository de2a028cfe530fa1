"""The way of an order: intent, plan, gate, consent, journal, signature, venue, outcome."""
