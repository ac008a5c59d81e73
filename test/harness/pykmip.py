"""Drives a KMIP server with PyKMIP's client; prints one JSON object of what it saw."""
import hashlib
import hmac
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


def computed(client, public, private):
    """What PyKMIP lets a server compute, since KMIP 1.2: each answer undone or checked."""
    mask = enums.CryptographicUsageMask
    masks = [mask.ENCRYPT, mask.DECRYPT, mask.MAC_GENERATE, mask.DERIVE_KEY]
    algorithm = enums.CryptographicAlgorithm.AES
    name = "computing with " + private
    key = client.register(
        objects.SymmetricKey(algorithm, 128, bytes(16), masks=masks, name=name)
    )
    client.activate(key)
    client.activate(public)
    client.activate(private)
    cbc = {
        "block_cipher_mode": enums.BlockCipherMode.CBC,
        "padding_method": enums.PaddingMethod.PKCS5,
    }
    sealed, _ = client.encrypt(b"some data", key, cbc, bytes(16))
    opened = client.decrypt(sealed, key, cbc, bytes(16))
    pss = {
        "padding_method": enums.PaddingMethod.PSS,
        "hashing_algorithm": enums.HashingAlgorithm.SHA_256,
        "cryptographic_algorithm": enums.CryptographicAlgorithm.RSA,
    }
    signature = client.sign(b"message", private, pss)
    verdicts = [
        client.signature_verify(message, signature, public, pss).name
        for message in (b"message", b"massage")
    ]
    _, code = client.mac(b"message", key, enums.CryptographicAlgorithm.HMAC_SHA256)
    derived = client.derive_key(
        enums.ObjectType.SYMMETRIC_KEY,
        [key],
        enums.DerivationMethod.HMAC,
        {
            "cryptographic_parameters": {
                "hashing_algorithm": enums.HashingAlgorithm.SHA_256
            },
            "derivation_data": b"data",
        },
        cryptographic_algorithm=enums.CryptographicAlgorithm.AES,
        cryptographic_length=128,
        cryptographic_usage_mask=[mask.ENCRYPT],
    )
    right = hmac.new(bytes(16), b"data", hashlib.sha256).digest()[:16]
    return {
        "opened": opened.decode(),
        "verdicts": verdicts,
        "mac": code == hmac.new(bytes(16), b"message", hashlib.sha256).digest(),
        "derived": client.get(derived).value == right,
    }


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
        twin, other = client.create_key_pair(
            enums.CryptographicAlgorithm.RSA,
            2048,
            public_usage_mask=[enums.CryptographicUsageMask.VERIFY],
            private_usage_mask=[enums.CryptographicUsageMask.SIGN],
        )
        renewed = client.rekey(registered)
        seen[version] = {
            "pair": client.get(twin).cryptographic_length == 2048
            and len(client.get(other).value) > 1000,
            "renewed": client.get(renewed).value.hex() != client.get(registered).value.hex(),
            "computed": computed(client, twin, other) if version > "KMIP_1_1" else None,
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
