import hashlib

from tests.kernels.turns import others_run_during

DATA = bytes(30_000_000)


def test_a_call_that_lets_go_of_the_interpreter():
    assert others_run_during(lambda: hashlib.sha256(DATA))


def test_a_call_that_keeps_it():
    assert not others_run_during(lambda: DATA.count(b"\0\1"), turns=0)
