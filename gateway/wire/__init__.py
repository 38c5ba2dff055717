"""The wire towards the browser: request heads, connections and the bytes of answers."""
