"""What a page works out from stored figures; each says how."""
