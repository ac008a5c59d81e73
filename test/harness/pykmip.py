"""Drives a KMIP server with PyKMIP's client; prints one JSON object of what it saw."""
import json
import sys
import warnings

warnings.simplefilter("ignore")
from kmip.core import enums
from kmip.core.factories.attributes import AttributeFactory
from kmip.pie import objects
from kmip.pie.client import ProxyKmipClient

folder, port = sys.argv[1], int(sys.argv[2])
factory = AttributeFactory()
seen = {}


def refused(act):
    try:
        act()
    except Exception as error:
        return str(error)
    return None


for version in ("KMIP_1_0", "KMIP_1_1", "KMIP_1_2", "KMIP_1_3", "KMIP_1_4"):
    client = ProxyKmipClient(
        hostname="127.0.0.1",
        port=port,
        cert=folder + "/cert.pem",
        key=folder + "/key.pem",
        ca=folder + "/ca.pem",
        ssl_version="PROTOCOL_TLSv1_2",
        config="none",
        kmip_version=enums.KMIPVersion[version],
    )
    with client:
        name = "key " + version
        made = client.create(enums.CryptographicAlgorithm.AES, 256, name=name)
        client.activate(made)
        key = client.get(made)
        given = objects.SymmetricKey(
            enums.CryptographicAlgorithm.AES,
            128,
            bytes(range(16)),
            masks=[enums.CryptographicUsageMask.ENCRYPT],
            name="given " + version,
        )
        registered = client.register(given)
        located = client.locate(
            attributes=[factory.create_attribute(enums.AttributeType.NAME, name)]
        )
        _, attributes = client.get_attributes(made, ["State"])
        active = refused(lambda: client.destroy(made))
        client.revoke(enums.RevocationReasonCode.CESSATION_OF_OPERATION, made)
        client.destroy(made)
        seen[version] = {
            "bytes": len(key.value),
            "registered": client.get(registered).value.hex(),
            "found": located == [made],
            "state": attributes[0].attribute_value.value.name,
            "list": "Cryptographic Length" in client.get_attribute_list(registered),
            "active": active,
            "gone": refused(lambda: client.get(made)),
            "unknown": refused(lambda: client.get("no such key")),
        }
print(json.dumps(seen))
