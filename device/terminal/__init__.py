"""Terminal output: the live view, status lines, prompts."""
