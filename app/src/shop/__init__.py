"""A small shop: the example application that aks-actions builds, deploys and verifies."""
