"""What a person asked to be told of: rules, the watch that looks, and the channels that carry the word."""
