"""Many files and many master keys at once: what is asked, how often, and how much of it at a time."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Sequence

import pytest

from sops_python import DataKeyError, FileError, Keyring, MasterKey, MasterKeyError, Metadata, TransientError
from sops_python.selection import DEFAULT_RULE
from sops_python.shamir import combine, split

SECRET = bytes(range(32))


def key(kind: str, name: str, enc: bytes | str = SECRET) -> MasterKey:
    """A master key whose wrapped data key is written in hexadecimal; `refused` and `busy` are answers too."""
    field = {"age": "recipient", "kms": "arn", "gcp_kms": "resource_id"}[kind]
    return MasterKey(kind, {field: name}, enc if isinstance(enc, str) else enc.hex())


def metadata(*groups: Sequence[MasterKey], threshold: int = 0) -> Metadata:
    return Metadata(
        groups=tuple(tuple(group) for group in groups),
        threshold=threshold or len(groups),
        rule=DEFAULT_RULE,
        mac="",
        lastmodified="2026-01-02T03:04:05Z",
        mac_only_encrypted=False,
        version="3.11.0",
    )


class Service:
    """A key service that notes what it was asked, and how many questions at a time."""

    def __init__(self, kind: str = "kms", *, remote: bool = True, seconds: float = 0.0) -> None:
        self.kind = kind
        self.remote = remote
        self.asked: list[str] = []
        self.most_at_once = 0
        self._seconds = seconds
        self._now = 0
        self._lock = threading.Lock()

    def unwrap(self, key: MasterKey) -> bytes:
        with self._lock:
            self.asked.append(key.identity)
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        time.sleep(self._seconds)
        with self._lock:
            self._now -= 1
        if key.enc in ("refused", "busy"):
            raise MasterKeyError(key.enc, transient=key.enc == "busy")
        return bytes.fromhex(key.enc)

    def wrap(self, key: MasterKey, data_key: bytes) -> MasterKey:
        if key.identity == "refused":
            raise MasterKeyError("no permission to encrypt")
        return key._replace(enc=data_key.hex(), created_at="2026-01-02T03:04:05Z")


def test_two_hundred_files_are_asked_for_in_parallel_and_never_more_than_the_bound() -> None:
    service = Service(seconds=0.005)
    files = [metadata([key("kms", f"key-{number}", bytes([number]) * 32)]) for number in range(200)]
    assert Keyring([service], in_flight=8).data_keys(files) == [bytes([number]) * 32 for number in range(200)]
    assert 2 <= service.most_at_once <= 8


def test_the_same_wrapped_key_is_asked_for_once_in_any_number_of_files() -> None:
    service = Service(seconds=0.005)
    ring = Keyring([service])
    assert ring.data_keys([metadata([key("kms", "one")])] * 50) == [SECRET] * 50
    assert ring.data_key(metadata([key("kms", "one")])) == SECRET
    assert service.asked == ["one"]


def test_a_refusal_is_not_asked_for_again_either() -> None:
    service = Service()
    results = Keyring([service]).data_keys([metadata([key("kms", "one", "refused")])] * 3)
    assert [type(result) for result in results] == [DataKeyError] * 3
    assert service.asked == ["one"]


def test_no_service_is_asked_where_a_local_key_opens_the_file() -> None:
    service, local = Service(), Service("age", remote=False)
    ring = Keyring([service, local], decryption_order=["age", "kms"])
    assert ring.data_key(metadata([key("kms", "far"), key("age", "near")])) == SECRET
    assert (service.asked, local.asked) == ([], ["near"])


def test_the_order_that_was_asked_for_is_kept_even_if_a_service_comes_first() -> None:
    service, local = Service(), Service("age", remote=False)
    ring = Keyring([service, local], decryption_order=["kms"])
    assert ring.data_key(metadata([key("age", "near"), key("kms", "far")])) == SECRET
    assert (service.asked, local.asked) == (["far"], [])


def test_a_services_refusal_is_followed_by_the_groups_next_key() -> None:
    service = Service()
    first, second = key("kms", "first", "refused"), key("kms", "second")
    assert Keyring([service]).data_key(metadata([first, second])) == SECRET
    assert service.asked == ["first", "second"]


def test_no_more_groups_are_asked_for_than_the_threshold_needs() -> None:
    shares = split(SECRET, 3, 2)
    service = Service()
    groups = [[key("kms", f"group-{number}", share)] for number, share in enumerate(shares)]
    assert Keyring([service]).data_key(metadata(*groups, threshold=2)) == SECRET
    assert sorted(service.asked) == ["group-0", "group-1"]


def test_a_group_that_does_not_open_is_replaced_by_the_next() -> None:
    shares = split(SECRET, 3, 2)
    service = Service()
    groups = [[key("kms", f"group-{number}", share)] for number, share in enumerate(shares)]
    groups[0] = [key("kms", "group-0", "refused")]
    assert Keyring([service]).data_key(metadata(*groups, threshold=2)) == SECRET
    assert sorted(service.asked) == ["group-0", "group-1", "group-2"]


def test_groups_that_open_locally_save_questions_to_services() -> None:
    shares = split(SECRET, 3, 2)
    service, local = Service(), Service("age", remote=False)
    groups = [[key("kms", "far", shares[0])], [key("age", "a", shares[1])], [key("age", "b", shares[2])]]
    assert Keyring([service, local]).data_key(metadata(*groups, threshold=2)) == SECRET
    assert service.asked == []


def test_an_error_names_every_recipient_in_the_order_of_the_groups() -> None:
    groups = [[key("kms", "a", "refused"), key("kms", "b", "busy")], [key("gcp_kms", "c")]]
    with pytest.raises(TransientError, match="0 of 2 key groups could be opened and 2 are needed") as caught:
        Keyring([Service()]).data_key(metadata(*groups))
    assert [str(attempt) for attempt in caught.value.attempts] == [
        "kms a: refused",
        "kms b: busy",
        "gcp_kms c: no key of this kind was given",
    ]


def test_one_file_that_fails_leaves_the_others_alone() -> None:
    good, bad = metadata([key("kms", "good")]), metadata([key("kms", "bad", "refused")])
    results = Keyring([Service()]).data_keys([good, bad, good])
    assert results[0] == results[2] == SECRET
    assert isinstance(results[1], DataKeyError)


def test_an_interruption_asks_nothing_new() -> None:
    class Interrupted(Service):
        def unwrap(self, key: MasterKey) -> bytes:
            super().unwrap(key)
            raise KeyboardInterrupt

    service = Interrupted(seconds=0.01)
    files = [metadata([key("kms", f"key-{number}")]) for number in range(100)]
    with pytest.raises(KeyboardInterrupt):
        Keyring([service], in_flight=2).data_keys(files)
    assert len(service.asked) < 20


def test_every_group_gets_a_share_and_any_threshold_of_them_is_the_key() -> None:
    groups = [[key("kms", f"group-{number}")] for number in range(3)]
    wrapped = Keyring([Service()]).wrap([tuple(group) for group in groups], 2, SECRET)
    shares = [bytes.fromhex(group[0].enc) for group in wrapped]
    assert len(set(shares)) == 3
    assert all(combine(pair) == SECRET for pair in itertools.combinations(shares, 2))
    assert all(group[0].created_at for group in wrapped)


def test_all_keys_of_one_group_wrap_the_key_itself() -> None:
    service, local = Service(), Service("age", remote=False)
    ((first, second),) = Keyring([service, local]).wrap([(key("kms", "a", ""), key("age", "b", ""))], 1, SECRET)
    assert first.enc == second.enc == SECRET.hex()


def test_a_recipient_that_can_not_be_used_is_named_and_nothing_is_wrapped() -> None:
    with pytest.raises(DataKeyError, match="kms refused: no permission to encrypt"):
        Keyring([Service()]).wrap([(key("kms", "fine"), key("kms", "refused"))], 1, SECRET)


@pytest.mark.parametrize(("groups", "threshold"), [(0, 0), (2, 1), (2, 3)])
def test_groups_and_thresholds_that_make_no_sense_are_refused(groups: int, threshold: int) -> None:
    with pytest.raises(FileError):
        Keyring([Service()]).wrap([(key("kms", str(number)),) for number in range(groups)], threshold, SECRET)


def test_shares_are_spread_over_all_points() -> None:
    points = Counter(share[-1] for _ in range(40) for share in split(SECRET, 3, 2))
    assert len(points) > 40
    assert 0 not in points
