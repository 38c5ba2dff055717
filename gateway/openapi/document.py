"""The OpenAPI 3.1 document of everything that programs may call, made of what the code declares.

It is the same for every gateway of a version: it says what there may be, not what one's settings
offer, and so tells a stranger nothing. Published in `deploy/openapi.json`, printed by `gateway
openapi`, and served to everybody.
"""

from __future__ import annotations

import json
from importlib.metadata import version

from gateway.openapi.answers import Schema, shared_responses, shared_schemas
from gateway.openapi.decisions import decision_paths, decision_schemas, decision_security
from gateway.openapi.documents import document_paths
from gateway.openapi.feeds import feed_paths, feed_schemas, feed_security
from gateway.openapi.pages import page_paths, page_schemas, page_security
from gateway.openapi.proxies import proxy_paths, proxy_security


def openapi_document() -> Schema:
    """Give the document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Vetted gateway",
            "version": version("vetted-gateway"),
            "description": "What other programs, proxies, vetting units, providers and monitors"
            " ask of the gateway. What its settings do not offer is no address of its own.",
        },
        "servers": [{"url": "/"}],
        "paths": {
            **document_paths(),
            **decision_paths(),
            **feed_paths(),
            **proxy_paths(),
            **page_paths(),
        },
        "components": {
            "securitySchemes": {
                **decision_security(),
                **feed_security(),
                **proxy_security(),
                **page_security(),
            },
            "schemas": {
                **shared_schemas(),
                **decision_schemas(),
                **feed_schemas(),
                **page_schemas(),
            },
            "responses": shared_responses(),
        },
    }


def openapi_text() -> str:
    """Give it as it is published."""
    return json.dumps(openapi_document(), indent=2) + "\n"
