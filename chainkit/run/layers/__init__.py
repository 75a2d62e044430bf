"""The gate's layers, one file each: `async def layer(call, send) -> Reply`."""
