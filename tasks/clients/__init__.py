"""The outside systems that jobs work with: for each a protocol and its real client."""
