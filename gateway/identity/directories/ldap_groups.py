"""Which groups somebody is in, groups within groups included: all of them, or an error.

INVARIANT: part of the groups is never taken for all of them. A search that a limit cut short, or a
nesting deeper than is believed, refuses the sign-in.

Groups of another domain, to which a directory would only refer, are not looked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.identity.directories.ldap_link import Link, NotWhole
from gateway.identity.directories.ldap_text import any_of, dn_key, equals

MAX_GROUPS = 5_000
MAX_DEPTH = 64
BATCH = 50
"""How many groups are asked about in one search; longer filters are refused by some servers."""

NO_ATTRIBUTES = ("1.1",)
IN_CHAIN = "1.2.840.113556.1.4.1941"
"""Active Directory's matching rule that follows membership through groups (MS-ADTS 3.1.1.3.4.4)."""


def groups_in_domain(link: Link, root: str, dn: str) -> frozenset[str]:
    """Let a domain follow the membership itself, cycles included.

    Args:
        link: bound.
        root: DN of the domain.
        dn: of the person.

    Raises:
        NotWhole: if there are too many groups.
    """
    wanted = f"(&(objectClass=group){equals(f'member:{IN_CHAIN}:', dn)})"
    found = link.whole(root, wanted, NO_ATTRIBUTES, most=MAX_GROUPS)
    return frozenset(each.dn for each in found)


def groups_by_walk(link: Link, base: str, member: str, dn: str) -> frozenset[str]:
    """Walk from a person to their groups, and from these to the groups they are in.

    Each group is visited once, so a cycle ends.

    Args:
        link: bound.
        base: below which the groups are.
        member: the attribute of a group with the DNs of its members.
        dn: of the person.

    Raises:
        NotWhole: if there are too many groups, or they are nested too deeply.
    """
    seen: dict[str, str] = {}
    front = [dn]
    for _ in range(MAX_DEPTH):
        if not front:
            return frozenset(seen.values())
        beyond: list[str] = []
        for start in range(0, len(front), BATCH):
            wanted = any_of([equals(member, each) for each in front[start : start + BATCH]])
            for group in link.whole(base, wanted, NO_ATTRIBUTES, most=MAX_GROUPS):
                key = dn_key(group.dn) or group.dn
                if key not in seen:
                    seen[key] = group.dn
                    beyond.append(group.dn)
        if len(seen) > MAX_GROUPS:
            break
        front = beyond
    message = f"directory: more than {MAX_GROUPS} groups, or nested deeper than {MAX_DEPTH}"
    raise NotWhole(message)


def posts_of(groups: Iterable[str], posts: Mapping[str, str]) -> frozenset[str]:
    """Give the posts that groups stand for.

    Args:
        groups: DNs as the directory spells them.
        posts: DN of a group, in the form of `dn_key`, to the post.
    """
    keys = (dn_key(group) for group in groups)
    return frozenset(posts[key] for key in keys if key is not None and key in posts)
