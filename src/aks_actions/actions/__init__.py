"""One module an action: named phases. Only here both kinds of room are known."""
