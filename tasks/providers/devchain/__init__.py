"""devchain: an Ethereum node for a laptop and for tests; py-evm executes, one file keeps."""
