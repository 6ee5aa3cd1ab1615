"""Outside systems that the project ships as processes of their own."""
