"""The past again: recorded prices and news, the exchange's own matching, and the desk that trades live."""
