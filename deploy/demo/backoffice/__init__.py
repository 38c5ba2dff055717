"""A back office as an Oracle E-Business Suite presents itself: a process and a store of its own.

It stands behind the gateway and trusts nobody but the gateway's signed assertion of who is asking.
What somebody may do is not its business: it shows what it is asked for.
"""
