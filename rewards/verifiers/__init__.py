"""Rewards that compare a response with a reference by rule: choices, text, JSON, tool calls."""
