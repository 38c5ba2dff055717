"""Holding requests to the function that their page was opened under.

A back office of the Oracle kind begins a transaction for each page it opens, and the page is sent
under the transaction's number, often without naming its function again. Three things follow, for
systems with functions that declare it (`policies.transactions`):

1. A redirect that the back office answers tells which function a transaction belongs to. The
   redirect goes out only when that is stored, so the next request finds it in any worker.
2. A request that names a transaction in the place of its function means the function that the
   transaction belongs to, and is decided, recorded and limited as such.
3. A request that names a transaction of another function or of another session is refused: the
   back office believes the number, whatever function stands beside it. So is one that would change
   something and names none, where its function declares transactions.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin

from gateway.backoffice.canonical import TargetError, canonicalise_target
from policies.decision import Gate
from policies.function import Action
from policies.reasons import Reason
from policies.transactions import LearntFrom

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from gateway.backoffice.canonical import CanonicalTarget
    from gateway.backoffice.kept_transactions import KeptTransactions
    from gateway.visit import Visit
    from policies.catalogue import Catalogue, Function, Match
    from policies.engine import Engine
    from policies.question import Question

_READS: Final = frozenset({"GET", "HEAD"})


class Transactions:
    """Binds transactions to functions, and holds requests to it. One a worker, on its loop."""

    def __init__(self, kept: KeptTransactions, catalogue: Callable[[], Catalogue]) -> None:
        """Hold where they are kept, and what is in force."""
        self._kept = kept
        self._catalogue = catalogue

    async def named(self, catalogue: Catalogue, visit: Visit, session_hash: str) -> CanonicalTarget:
        """Give what a request that names no function is to be matched by.

        Notes on the visit where it names a page in the place of its function that nobody knows.

        Args:
            catalogue: what is reached at its host of that of the policy set in force.
            visit: the visit; what is sent on stays its target.
            session_hash: of who asks.

        Returns:
            The target with the parameters that name the function of its transaction; or the
            target as it is.
        """
        target = _target(visit)
        found = catalogue.of_transaction(target.path, target.query)
        if found is None:
            return target
        rule, transaction = found
        function = await self._function_of(session_hash, rule.system, transaction)
        if function is None:
            visit.lost_page = rule.system
            return target
        carried = catalogue.meant_by_transaction(visit.method, target.path, function)
        return target if carried is None else replace(target, query=(*target.query, *carried))

    async def fault(self, visit: Visit, session_hash: str, match: Match) -> Reason | None:
        """Say why a permitted request may not go on under the transaction it names.

        Args:
            visit: the visit.
            session_hash: of who asks.
            match: what it means; its function has transactions, or it names one.
        """
        system, transaction = match.function.system, match.transaction
        if not transaction:
            owed = match.function.transaction is not None and match.action is Action.WRITE
            return Reason.PAGE_UNKNOWN if owed else None
        function = await self._function_of(session_hash, system, transaction)
        rule = self._catalogue().transactions.get(system)
        by_request = rule is not None and LearntFrom.REQUEST in rule.learnt_from
        if function is None and by_request and visit.method in _READS:
            # A name that another session uses is theirs, whoever learnt of it.
            function = await self._bind(
                session_hash, match.function, transaction, visit.at, alone=True
            )
        if function is None:
            return Reason.PAGE_UNKNOWN
        return None if function == match.function.id else Reason.PAGE_OF_ANOTHER

    def learns(self, system: str) -> bool:
        """Whether redirects of a system tell of transactions."""
        return system in self._catalogue().transactions

    async def redirected(
        self,
        session_hash: str,
        asked: Function,
        sent: CanonicalTarget,
        location: bytes,
        *,
        at: datetime,
    ) -> None:
        """Learn from a redirect which function a transaction belongs to; stored when it returns.

        Args:
            session_hash: of who asked.
            asked: what they were let through for.
            sent: what was asked of the system.
            location: where its answer leads, on the gateway.
            at: the instant of the visit.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        catalogue = self._catalogue()
        rule = catalogue.transactions.get(asked.system)
        if rule is None or LearntFrom.REDIRECT not in rule.learnt_from:
            return
        whole = urljoin(sent.sent.decode("ascii"), location.decode("ascii"))
        try:
            target = canonicalise_target(whole.encode("ascii"), catalogue.declared_parameters)
        except TargetError:
            return  # whoever follows it is refused for the same reason
        transaction = rule.named_in(target.query)
        reached = catalogue if sent.host is None else catalogue.at(sent.host.system)
        match = reached.match("GET", target.path, target.query)
        if match is not None:
            asked = match.function
        elif reached.of_transaction(target.path, target.query) is None:
            return
        if not transaction or asked.system != rule.system:
            return
        if self._kept.get(session_hash, rule.system, transaction) is None:  # else it never changes
            await self._bind(session_hash, asked, transaction, at)

    async def _function_of(self, session_hash: str, system: str, transaction: str) -> str | None:
        known = self._kept.get(session_hash, system, transaction)
        if known is not None:
            return known
        return await asyncio.get_running_loop().run_in_executor(
            None, self._kept.load, session_hash, system, transaction
        )

    async def _bind(
        self,
        session_hash: str,
        function: Function,
        transaction: str,
        at: datetime,
        *,
        alone: bool = False,
    ) -> str | None:
        bind, system = self._kept.bind, function.system
        return await asyncio.get_running_loop().run_in_executor(
            None,
            lambda: bind(session_hash, system, transaction, function.id, at=at, alone=alone),
        )


def is_offered_pages(visit: Visit, engine: Engine, question: Question) -> bool:
    """Whether some function is offered to who asks, of the system whose page they have lost.

    Only then may they be told that a page is not known: others learn of no such thing.

    Args:
        visit: the visit, which names a page that nobody knows.
        engine: the policy set in force.
        question: what was asked, of whichever function.
    """
    functions = engine.policy_set.catalogue.functions.values()
    return any(
        engine.decide(replace(question, function=function)).gate
        not in {Gate.FUNCTION, Gate.AGREEMENT}
        for function in functions
        if function.transaction is not None and function.system == visit.lost_page
    )


def _target(visit: Visit) -> CanonicalTarget:
    if visit.target is None:
        raise ValueError("transactions: a visit without target")
    return visit.target
