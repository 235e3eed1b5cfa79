"""The API: JSON in, JSON out, problem+json for refusals."""
