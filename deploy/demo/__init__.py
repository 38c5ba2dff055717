"""A shared service of deploy/scenarios as a demo: real directories, a back office, the gateway.

Nobody in it is real: all staff come from a seeded generator.
"""
