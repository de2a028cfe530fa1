"""News about markets: how relevant an item is, and in what tone it is written."""
