"""The key ring holds what the gateway signs and seals with, and refuses to be read by others."""

import os
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.errors import KeysError
from gateway.keys import KeyPurpose, KeyRing, key_id

AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    return KeyRing.init(tmp_path / "keys")


def test_everything_in_a_new_ring_is_open_to_its_owner_alone(ring: KeyRing) -> None:
    ring.field_key("2026-11", "GP")
    modes = {
        path.relative_to(ring.directory).as_posix(): stat.S_IMODE(path.stat().st_mode)
        for path in (ring.directory, *ring.directory.rglob("*"))
    }

    assert modes.pop(".") == modes.pop("field") == 0o700
    assert set(modes.values()) == {0o600}
    assert "field/2026-11-GP-1.key" in modes


def test_a_ring_reads_back_what_was_made(ring: KeyRing) -> None:
    again = KeyRing.open(ring.directory)

    assert again.session_secret == ring.session_secret
    assert again.writer_mac_key == ring.writer_mac_key
    assert again.index_key == ring.index_key
    assert again.log_signing.kid == ring.log_signing.kid
    assert len({again.session_secret, again.writer_mac_key, again.index_key}) == 3


def test_a_complete_ring_is_not_made_again(ring: KeyRing) -> None:
    secret = ring.session_secret

    with pytest.raises(KeysError, match="already holds a key ring; use `keys rotate`"):
        KeyRing.init(ring.directory)
    assert KeyRing.open(ring.directory).session_secret == secret


def test_making_a_ring_goes_on_after_an_interruption(ring: KeyRing) -> None:
    (ring.directory / "index-0001.key").unlink()
    (ring.directory / "log-signing-0001.pub.pem").unlink()

    again = KeyRing.init(ring.directory)

    assert again.session_secret == ring.session_secret
    assert again.log_signing.kid != ring.log_signing.kid


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o700])
def test_a_secret_open_to_others_refuses_with_the_remedy(ring: KeyRing, mode: int) -> None:
    path = ring.directory / "index-0001.key"
    path.chmod(mode)

    with pytest.raises(KeysError, match=f"mode {mode:04o}; run `chmod 600 {path}`"):
        KeyRing.open(ring.directory)


@pytest.mark.parametrize("folder", ["", "field"])
def test_a_directory_open_to_others_refuses_with_the_remedy(ring: KeyRing, folder: str) -> None:
    path = ring.directory / folder
    path.chmod(0o750)

    with pytest.raises(KeysError, match=f"mode 0750; run `chmod 700 {path}`"):
        KeyRing.open(ring.directory)


def test_a_field_key_open_to_others_refuses(ring: KeyRing) -> None:
    ring.field_key("2026-11", "LE")
    (ring.directory / "field/2026-11-LE-1.key").chmod(0o644)

    with pytest.raises(KeysError, match="mode 0644"):
        KeyRing.open(ring.directory).field_key("2026-11", "LE")


def test_a_file_of_another_owner_refuses(ring: KeyRing) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(ring.directory / "session-0001.key", 12345, 12345)

    with pytest.raises(KeysError, match="belongs to user 12345"):
        KeyRing.open(ring.directory)


def test_a_link_in_the_place_of_a_secret_refuses(ring: KeyRing, tmp_path: Path) -> None:
    path = ring.directory / "session-0001.key"
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(KeysError, match="cannot read"):
        KeyRing.open(ring.directory)


def test_a_missing_ring_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(KeysError, match="run `gateway keys init`"):
        KeyRing.open(tmp_path / "nowhere")


def test_a_damaged_key_refuses_without_quoting_it(ring: KeyRing) -> None:
    path = ring.directory / "assertion-0001.pem"
    secret = path.read_text().splitlines()[1]
    path.write_text("-----BEGIN PRIVATE KEY-----\n" + secret[:-9] + "\n-----END PRIVATE KEY-----\n")

    with pytest.raises(KeysError, match="damaged") as caught:
        KeyRing.open(ring.directory)
    assert secret[:16] not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_short_secret_refuses(ring: KeyRing) -> None:
    (ring.directory / "index-0001.key").write_bytes(b"short")

    with pytest.raises(KeysError, match="5 bytes instead of 32"):
        KeyRing.open(ring.directory)


def test_a_private_key_of_another_public_half_refuses(ring: KeyRing, tmp_path: Path) -> None:
    other = KeyRing.init(tmp_path / "other")
    (ring.directory / "log-signing-0001.pem").write_bytes(
        (other.directory / "log-signing-0001.pem").read_bytes()
    )

    with pytest.raises(KeysError, match="does not belong to its public half"):
        KeyRing.open(ring.directory)


def test_no_secret_is_part_of_a_repr(ring: KeyRing) -> None:
    key = ring.field_key("2026-11", "GP")
    texts = [repr(ring), repr(key), repr(ring.log_signing), repr(ring.list())]

    for secret in (ring.session_secret, ring.index_key, ring.writer_mac_key, key.secret):
        assert not any(repr(secret)[2:-1] in text or secret.hex() in text for text in texts)
    assert not any("Private" in text for text in texts)


@pytest.mark.parametrize("purpose", [KeyPurpose.ASSERTION, KeyPurpose.LOG_SIGNING])
def test_a_rotated_signing_key_leaves_only_its_public_half(
    ring: KeyRing, purpose: KeyPurpose
) -> None:
    """Of assertions the last one stays until the next: it signs while the new one gets known."""
    again = ring.rotate(purpose, at=AT)
    of = {KeyPurpose.ASSERTION: again.assertion_keys, KeyPurpose.LOG_SIGNING: again.log_signing}
    before = {KeyPurpose.ASSERTION: ring.assertion_keys, KeyPurpose.LOG_SIGNING: ring.log_signing}
    keys = of[purpose]

    assert [key.kid for key in keys.public] == [keys.kid, before[purpose].kid]
    assert key_id(keys.private.public_key()) == keys.kid
    last = ring.directory / f"{purpose}-0001.pem"
    assert last.exists() is (purpose is KeyPurpose.ASSERTION)
    ring.rotate(purpose, at=AT)
    assert not last.exists()


def test_rotated_index_and_journal_keys_keep_the_old_ones(ring: KeyRing) -> None:
    again = ring.rotate(KeyPurpose.INDEX, at=AT).rotate(KeyPurpose.WRITER_MAC, at=AT)

    assert again.index_keys[1:] == (ring.index_key,)
    assert again.writer_mac_keys[1:] == (ring.writer_mac_key,)
    assert again.index_key != ring.index_key


def test_a_rotated_session_secret_is_gone(ring: KeyRing) -> None:
    again = ring.rotate(KeyPurpose.SESSION, at=AT)

    assert again.session_secret != ring.session_secret
    assert [p.name for p in ring.directory.glob("session-*")] == ["session-0002.key"]


def test_a_rotated_field_key_is_a_further_generation_of_the_month(ring: KeyRing) -> None:
    first = ring.field_key("2026-11", "GP")
    again = ring.rotate(KeyPurpose.FIELD, at=AT)

    assert again.field_key("2026-11", "GP").kid == "2026-11/GP/2"
    assert again.find_field_key(first.kid) == first


def test_a_field_key_is_found_by_name_but_never_made_for_it(ring: KeyRing) -> None:
    made = ring.field_key("2026-11", "GP")

    assert KeyRing.open(ring.directory).find_field_key("2026-11/GP/1") == made
    assert ring.find_field_key("2026-12/GP/1") is None
    assert ring.find_field_key("../../etc/passwd") is None
    assert [p.name for p in (ring.directory / "field").iterdir()] == ["2026-11-GP-1.key"]


@pytest.mark.parametrize(
    ("month", "category"), [("2026-13", "GP"), ("2026-11", "XX"), ("../x", "GP")]
)
def test_a_month_or_class_that_is_none_makes_no_key(
    ring: KeyRing, month: str, category: str
) -> None:
    with pytest.raises(KeysError, match="no field key for"):
        ring.field_key(month, category)


def test_processes_that_make_a_month_key_at_once_use_the_same(ring: KeyRing) -> None:
    script = (
        "import sys; from pathlib import Path; from gateway.keys import KeyRing\n"
        "ring = KeyRing.open(Path(sys.argv[1])); sys.stdin.read(1)\n"
        "print(ring.field_key('2027-01', 'LE').secret.hex())"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(ring.directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for _ in range(4)
    ]
    outputs = [process.communicate(b"x")[0] for process in processes]

    assert len(set(outputs)) == 1
    assert len(outputs[0].strip()) == 64
    assert len(list((ring.directory / "field").iterdir())) == 1


def test_the_list_names_every_key_and_what_is_current(ring: KeyRing) -> None:
    ring.field_key("2026-11", "GP")
    again = ring.rotate(KeyPurpose.LOG_SIGNING, at=AT)
    listed = {(each.purpose, each.name): each.current for each in again.list()}

    assert listed == {
        (KeyPurpose.SESSION, "session-0001.key"): True,
        (KeyPurpose.INDEX, "index-0001.key"): True,
        (KeyPurpose.WRITER_MAC, "writer-mac-0001.key"): True,
        (KeyPurpose.SECOND_FACTOR, "second-factor-0001.key"): True,
        (KeyPurpose.REGISTER, "register-0001.key"): True,
        (KeyPurpose.ASSERTION, "assertion-0001.pub.pem"): True,
        (KeyPurpose.LOG_SIGNING, "log-signing-0002.pub.pem"): True,
        (KeyPurpose.LOG_SIGNING, "log-signing-0001.pub.pem"): False,
        (KeyPurpose.FIELD, "2026-11-GP-1.key"): True,
    }
