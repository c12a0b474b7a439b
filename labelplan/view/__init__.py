"""What a person sees: the JSON view, and the text rendered from it."""
