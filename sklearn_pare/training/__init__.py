"""The only code that knows skorch: net, batches, loop and callbacks."""
