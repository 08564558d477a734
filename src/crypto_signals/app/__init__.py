"""Where the parts are chosen from the configuration and put together. The only such place."""
