"""Other blogs that tell us they linked to an article: received at once, verified later, then shown."""
