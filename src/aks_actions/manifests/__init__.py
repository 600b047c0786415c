"""The room that thinks about manifests: documents with their lines, checks, images. Bytes in, objects out."""
