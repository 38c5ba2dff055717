"""When an instance is given requests, and when it is not."""

from gateway.backoffice.instance_health import HealthRule, InstanceHealth

UNSEEN = HealthRule(failures=3, out_seconds=10)
LOOKED_AT = HealthRule(failures=2, out_seconds=10, looks=2, look_seconds=5)
NEVER = float("inf")


def test_so_many_failures_in_a_row_are_enough_and_a_success_between_them_is_not() -> None:
    health = InstanceHealth(UNSEEN, 0)

    assert [health.failed("status-500") for _ in range(2)] == [False, False]
    health.succeeded()
    assert [health.failed("status-500") for _ in range(3)] == [False, False, True]
    assert health.reason == "status-500"
    assert not health.is_well


def test_what_nobody_looks_at_is_looked_at_only_once_its_time_out_of_service_is_over() -> None:
    health = InstanceHealth(UNSEEN, 100)
    assert health.look_at == NEVER

    health.put_out(100)

    assert not health.in_service
    assert health.look_at == 110
    assert health.found_well(110)


def test_it_comes_back_on_trial() -> None:
    """One more failure is enough, until a request has been answered."""
    health = InstanceHealth(UNSEEN, 0)
    health.put_out(0)
    health.come_back(10)

    assert health.in_service
    assert health.is_well
    assert health.look_at == NEVER
    assert health.failed("upstream-refused")
    health.succeeded()
    assert not health.failed("upstream-refused")


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
        health.failed("upstream-refused")
        told.append(health.has_just_failed)

    assert told == [False, False, True, False, False]
