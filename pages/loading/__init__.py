"""What the page Load data is made of. Only these modules and the page itself reach into the loaders."""
