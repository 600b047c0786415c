"""The room that thinks about images: references, tags, labels."""
