"""Calls every method of PyKMIP's two clients; prints one JSON object of what came of each.

Parameters: the folder of the client's certificate, and the server's port.
"""
import json
import logging
import sys

from world import VERSIONS, Watch, World, public_of
from kmip.pie.client import ProxyKmipClient
from kmip.services.kmip_client import KMIPProxy
from pie import PieChecks
from proxy import ProxyChecks

logging.disable(logging.CRITICAL)


def outcome(world, kind, name):
    """'passes', 'refused' where the version has no such operation, or what went wrong."""
    check = getattr(kind, name)
    is_early = world.version < getattr(check, "since", "")
    try:
        with world.stock, kind.client_of(world) as client:
            check(kind(world, client))
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        # PyKMIP itself refuses some, before it asks.
        words = ("OPERATION_NOT_SUPPORTED", "VersionNotSupported", "is missing the attribute name")
        return "refused" if is_early and any(word in text for word in words) else text
    return "not refused" if is_early else "passes"


folder, port = sys.argv[1], int(sys.argv[2])
seen = {}
for client, checks in ((ProxyKmipClient, PieChecks), (KMIPProxy, ProxyChecks)):
    watch = Watch(client)
    methods = public_of(client)
    told = [name for name in vars(checks) if name.split("__")[0] in methods]
    outcomes = {}
    for version in VERSIONS:
        world = World(folder, port, version)
        outcomes[version] = {name: outcome(world, checks, name) for name in told}
        world.forget()
    seen[client.__name__] = {
        "methods": methods,
        "outcomes": outcomes,
        "neverGiven": watch.never_given(),
    }
print(json.dumps(seen))
