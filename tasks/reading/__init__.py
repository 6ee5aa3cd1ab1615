"""What pay statements and bank statements say; nothing here reaches outside the process."""
