"""What a person sees in a terminal: the live view, status lines, prompts."""
