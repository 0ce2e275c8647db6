"""What a response is worth by a weighted checklist, before a judge."""
