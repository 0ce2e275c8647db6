"""Answers to mathematical questions: where a response states its answer, and how notations become alike."""
