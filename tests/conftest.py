"""Fixtures of the Python tests: a throwaway Frontdesk with everything around it.

    def test_health_is_live(instance):
        assert instance.request("GET", "/v1/health").status == 200

instance       one running stack (Postgres, Redis, frontdesk-fcgi, frontdesk-jobd, lighttpd), shared
               by the whole session: make a tenant of your own with instance.tenant().
make_instance  a stack of your own: make_instance(settings={"LLM_TIMEOUT": "1"}, redis=False, jobd=False).
postgres       the cluster alone.
http_peer      a scripted HTTP server: what a model or a channel would answer (peer.py).

FRONTDESK_PREFIX names an installed tree to test; without it the programs of build/ are taken.
"""
# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from peer import HttpPeer
from stack import Instance, Postgres


@pytest.fixture(scope="session")
def postgres():
    with Postgres() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def instance(postgres):
    with Instance(postgres) as running:
        yield running


@pytest.fixture
def make_instance(postgres):
    made = []

    def make(**kwargs):
        made.append(Instance(postgres, **kwargs))
        return made[-1].start()

    yield make
    for one in made:
        one.stop()


@pytest.fixture
def http_peer():
    with HttpPeer() as peer:
        yield peer
