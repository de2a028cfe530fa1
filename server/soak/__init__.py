"""`polydesk soak`: a desk that trades through every fault the exchange knows, is killed again and again, and must end
with nothing sent twice, nothing lost and an exact ledger."""
