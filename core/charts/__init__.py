"""Pictures for people and for models that can see: PNG, drawn with matplotlib, which is part of the extra `plots`."""
