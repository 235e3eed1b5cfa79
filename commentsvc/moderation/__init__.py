"""What happens to a comment: the first state by rules, every later one by a logged decision."""
