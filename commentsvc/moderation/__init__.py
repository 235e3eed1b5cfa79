"""What happens to a comment: rules decide its first state, logged decisions every later one."""
