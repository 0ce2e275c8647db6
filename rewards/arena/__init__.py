"""What a response is worth among the others of its group, before a judge that compares two at a time."""
