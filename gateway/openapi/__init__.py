"""The OpenAPI document of everything that programs may call."""
