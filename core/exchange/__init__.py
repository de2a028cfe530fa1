"""A prediction-market venue of its own that answers Polymarket's wire on local sockets."""
