"""Network architectures and the recipes to train them."""
