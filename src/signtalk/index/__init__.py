"""References, and the engines that search them."""
