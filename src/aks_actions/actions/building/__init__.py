"""Parts of the build action: what is to be built, the login for the push, running buildx, explaining failures."""
