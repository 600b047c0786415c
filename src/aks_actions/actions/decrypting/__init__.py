"""Parts of the decrypt action: which files, which values under which names, and safe writing."""
