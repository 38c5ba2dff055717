"""The record: what was decided, written down before it takes effect, and provable afterwards.

How an entry travels: a worker drafts it (`entry`), the recorder seals it (`sealing`) into the
worker's journal (`journal`) and waits for the disk; the sequencer drains the journals into the
log's own SQLite file (`log_store`), hashes the entries into a tree (`merkle`, `tiles`) and signs
its head (`checkpoint`). `search` reads, `verify` proves.
"""
