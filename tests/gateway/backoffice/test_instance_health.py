"""When an instance is given requests, and when it is not."""

from gateway.backoffice.instance_health import HealthRule, InstanceHealth

UNSEEN = HealthRule(failures=3, out_seconds=10)
LOOKED_AT = HealthRule(failures=2, out_seconds=10, looks=2, look_seconds=5)
NEVER = float("inf")


def test_so_many_connections_in_a_row_that_cannot_be_made_are_enough() -> None:
    health = InstanceHealth(UNSEEN, 0)

    assert [health.unreached("upstream-refused") for _ in range(2)] == [False, False]
    health.succeeded()
    assert [health.unreached("upstream-tls") for _ in range(3)] == [False, False, True]
    assert health.reason == "upstream-tls"
    assert not health.is_well


def test_of_answers_that_fail_those_of_one_person_count_once() -> None:
    health = InstanceHealth(UNSEEN, 0)

    assert not any(health.failed("status-500", "robin", 0) for _ in range(50))
    assert not health.failed("status-500", "sam", 0)
    assert health.is_well
    health.succeeded()
    enough = [health.failed("status-500", each, 0) for each in ("robin", "sam", "robin", "kim")]
    assert enough == [False, False, False, True]
    assert not health.is_well


def test_no_one_person_is_enough_even_where_one_failure_is() -> None:
    health = InstanceHealth(HealthRule(failures=1, out_seconds=10), 0)

    assert not health.failed("status-500", "robin", 0)
    assert health.failed("status-500", "sam", 0)
    assert InstanceHealth(HealthRule(failures=1, out_seconds=10), 0).unreached("upstream-refused")


def test_failures_of_one_person_have_it_looked_at_now_and_then() -> None:
    health = InstanceHealth(UNSEEN, 100)
    for _ in range(2):
        health.failed("status-500", "robin", 101)
    assert health.look_at == NEVER

    health.failed("status-500", "robin", 101)
    assert health.look_at == 101

    assert not health.found_well(101)
    health.failed("status-500", "robin", 102)  # no look for each of them
    assert health.look_at == NEVER
    health.failed("status-500", "robin", 111)
    assert health.look_at == 111


def test_a_suspicion_is_settled_by_looks() -> None:
    health = InstanceHealth(UNSEEN, 0)
    for _ in range(3):
        health.failed("status-500", "robin", 0)

    assert [health.found_ill("upstream-refused", now) for now in (0, 1)] == [False, False]
    assert health.look_at == 1  # at once again
    assert health.found_ill("upstream-refused", 2)
    assert not health.is_well


def test_what_nobody_looks_at_is_looked_at_only_once_its_time_out_of_service_is_over() -> None:
    health = InstanceHealth(UNSEEN, 100)
    assert health.look_at == NEVER

    health.put_out(100)

    assert not health.in_service
    assert health.look_at == 110
    assert health.found_well(110)


def test_it_comes_back_on_trial() -> None:
    """One more connection that is not made is enough, or two people, until one was answered."""
    health = InstanceHealth(UNSEEN, 0)

    def tried() -> InstanceHealth:
        health.put_out(0)
        health.come_back(10)
        return health

    assert tried().in_service
    assert health.is_well
    assert health.look_at == NEVER
    assert health.unreached("upstream-refused")
    tried()
    assert not any(health.failed("status-500", "robin", 10) for _ in range(5))
    assert health.look_at == 10
    assert health.failed("status-500", "sam", 10)
    tried().succeeded()
    assert not health.unreached("upstream-refused")


def test_what_fails_again_soon_stays_out_for_longer_and_what_served_well_does_not() -> None:
    health = InstanceHealth(UNSEEN, 0)
    waits, now = [], 0.0
    for _ in range(7):
        health.put_out(now)
        waits.append(health.look_at - now)
        now = health.look_at
        health.come_back(now)
    assert waits == [10, 20, 40, 80, 160, 300, 300]

    health.put_out(now + 301)

    assert health.look_at == now + 301 + 10


def test_what_is_still_ill_stays_out_for_longer() -> None:
    health = InstanceHealth(UNSEEN, 0)
    health.put_out(0)

    assert not health.found_ill("upstream-refused", 10)
    assert health.look_at == 30


def test_what_is_looked_at_is_put_out_by_looks_alone() -> None:
    """Nobody need have asked it for anything."""
    health = InstanceHealth(LOOKED_AT, 0)
    assert health.look_at == 5

    assert not health.found_ill("health-503", 5)
    assert health.look_at == 10
    assert health.found_ill("health-503", 10)
    assert not health.is_well


def test_a_look_between_that_finds_it_well_is_a_new_start() -> None:
    health = InstanceHealth(LOOKED_AT, 0)

    assert not health.found_ill("health-503", 5)
    assert not health.found_well(10)
    assert not health.found_ill("health-503", 15)


def test_it_comes_back_after_several_good_looks_and_not_before_its_time() -> None:
    """A page of health that is fine proves little against answers that were not."""
    health = InstanceHealth(LOOKED_AT, 0)
    health.put_out(0)

    assert not health.found_well(5)
    assert not health.found_well(9)
    assert not health.found_ill("health-500", 10)
    assert not health.found_well(15)
    assert health.found_well(20)


def test_the_failure_that_makes_it_enough_is_told_from_those_after_it() -> None:
    """One line in the log is enough."""
    health = InstanceHealth(UNSEEN, 0)
    told = []
    for _ in range(5):
        health.unreached("upstream-refused")
        told.append(health.has_just_failed)

    assert told == [False, False, True, False, False]
