"""The pages: sign-in, portal, refusals, record, policy in force, vetting register, notices.

Everything here is Flask behind the gate. Which page may be shown was decided before a page is
called; the pages check only that it was.
"""
