"""Instructions whose following can be read off the response: lengths, words, layout, language."""
