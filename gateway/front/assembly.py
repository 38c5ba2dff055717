"""Puts a worker together from the settings: the one place where the parts meet.

Everything that blocks is opened here, before the first connection is taken, and closed in reverse
order. Nothing else in the gateway looks up a service.
"""

from __future__ import annotations

import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from joserfc.jwk import KeySet, OKPKey

from gateway.api.health import Readiness
from gateway.audit.recorder import Recorder, RecorderLimits
from gateway.audit.search import search
from gateway.backoffice.assertion import AssertionMint
from gateway.backoffice.forward import Forwarder
from gateway.backoffice.kept_cookies import KeptCookies
from gateway.backoffice.transport import UpstreamAddress, UpstreamPool
from gateway.bulletin import Bulletin, BulletinReader
from gateway.cookies import CookiePolicy
from gateway.front.forward_act import ForwardAct, SystemProfile
from gateway.front.front import Front
from gateway.front.open_routes import OpenRoutes
from gateway.front.pages_bridge import PagesBridge
from gateway.front.refusals import FrontRefusals
from gateway.identity.owners import RecordOwners
from gateway.identity.session_cache import SessionCache
from gateway.identity.sessions import SessionLimits, Sessions
from gateway.keys import KeyRing
from gateway.operational_log import configure_operational_log
from gateway.pages.application import Pages
from gateway.pages.page_services import Brand, OrganisationChoice, PageServices
from gateway.pipeline import Pipeline
from gateway.resources import ResourcePaths, ResourceTally
from gateway.store.engine import open_store
from gateway.throttle import RefusalThrottle
from gateway.wire.connection import ConnectionLimits
from policies.catalogue import GATEWAY_SYSTEM, Classification, Function, Regime, Scope
from policies.engine import Engine
from policies.policy_set import load_policy_set
from vetting.requirement import Requirement
