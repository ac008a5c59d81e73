"""What the checks of PyKMIP's two clients stand on: a server, its versions, and things made there."""
import enum
import hashlib
import hmac
import inspect
import os
import tempfile
import warnings

warnings.simplefilter("ignore")
from cryptography.hazmat.primitives.keywrap import aes_key_wrap
from kmip.core import enums
from kmip.pie import exceptions
from kmip.core import exceptions as core_exceptions
from kmip.core import objects as core
from kmip.core.factories.attributes import AttributeFactory
from kmip.core.objects import Credential, UsernamePasswordCredential
from kmip.pie import objects
from kmip.pie.client import ProxyKmipClient
from kmip.pie.factory import ObjectFactory
from kmip.services.kmip_client import KMIPProxy

VERSIONS = ["KMIP_1_0", "KMIP_1_1", "KMIP_1_2", "KMIP_1_3", "KMIP_1_4", "KMIP_2_0"]
Mask = enums.CryptographicUsageMask
Algorithm = enums.CryptographicAlgorithm
Attribute = enums.AttributeType
attributes = AttributeFactory()
AES = Algorithm.AES
SECRET = bytes(range(16))
HMAC_256 = {"cryptographic_algorithm": Algorithm.HMAC_SHA256}
CBC = {
    "block_cipher_mode": enums.BlockCipherMode.CBC,
    "padding_method": enums.PaddingMethod.PKCS5,
}
PSS = {
    "padding_method": enums.PaddingMethod.PSS,
    "hashing_algorithm": enums.HashingAlgorithm.SHA_256,
    "cryptographic_algorithm": Algorithm.RSA,
}
WRAPPING = {"block_cipher_mode": enums.BlockCipherMode.NIST_KEY_WRAP}
DERIVING = {
    "cryptographic_parameters": {"hashing_algorithm": enums.HashingAlgorithm.SHA_256},
    "derivation_data": b"data",
}


def code_of(message, key=SECRET):
    """HMAC-SHA256, as Python computes it."""
    return hmac.new(key, message, hashlib.sha256).digest()


class Refused(Exception):
    """The server refused: PyKMIP's proxy returns that, where its other client raises."""


def granted(result):
    """A result of the proxy's, which is an object or a dictionary; raises when it is a failure."""
    field = result.get if isinstance(result, dict) else lambda name: getattr(result, name)

    def plain(name):
        value = field(name)
        return value if value is None or isinstance(value, (str, enum.Enum)) else value.value

    if plain("result_status") != enums.ResultStatus.SUCCESS:
        raise Refused(f"{plain('result_reason').name} - {plain('result_message')}")
    return result


def refused(act):
    """The text of what an act raises that the server has to refuse."""
    try:
        act()
    except (exceptions.KmipOperationFailure, core_exceptions.OperationFailure, Refused) as error:
        return str(error)
    raise AssertionError("it was not refused")


def since(version):
    """A check of what the server refuses as unknown to versions before this one."""

    def marked(check):
        check.since = version
        return check

    return marked


class World:
    """One server, asked in one version; what a check needs is made in 1.4, by the other client."""

    def __init__(self, folder, port, version):
        self.folder, self.port, self.version = folder, port, version
        self.is_old = version < "KMIP_2_0"
        self.stock = self.pie("KMIP_1_4")

    def pie(self, version=None):
        return ProxyKmipClient(
            hostname="127.0.0.1",
            port=self.port,
            cert=self.folder + "/cert.pem",
            key=self.folder + "/key.pem",
            ca=self.folder + "/ca.pem",
            ssl_version="PROTOCOL_TLSv1_2",
            config="none",
            kmip_version=enums.KMIPVersion[version or self.version],
        )

    def proxy(self):
        return KMIPProxy(
            host="127.0.0.1",
            port=self.port,
            certfile=self.folder + "/cert.pem",
            keyfile=self.folder + "/key.pem",
            ca_certs=self.folder + "/ca.pem",
            cert_reqs="CERT_REQUIRED",
            ssl_version="PROTOCOL_TLSv1_2",
            do_handshake_on_connect="True",
            suppress_ragged_eofs="True",
            timeout=60,
            config="none",
            kmip_version=enums.KMIPVersion[self.version],
        )

    def configured(self, more=""):
        """A file of PyKMIP's own that says all that its clients have to know."""
        with tempfile.NamedTemporaryFile("w", suffix=".conf", delete=False) as file:
            file.write(
                f"[here]\nhost=127.0.0.1\nport={self.port}\nkeyfile={self.folder}/key.pem\n"
                f"certfile={self.folder}/cert.pem\nca_certs={self.folder}/ca.pem\n"
                f"cert_reqs=CERT_REQUIRED\nssl_version=PROTOCOL_TLSv1_2\n{more}"
            )
        self.files.append(file.name)
        return file.name

    files = []

    def name(self, what):
        World.names += 1
        return f"{what} {self.version} {os.getpid()} {World.names}"

    names = 0

    def key(self, masks=(Mask.ENCRYPT, Mask.DECRYPT), value=SECRET, active=False):
        """A registered AES key."""
        given = objects.SymmetricKey(
            AES, len(value) * 8, value, masks=list(masks), name=self.name("stock")
        )
        made = self.stock.register(given)
        if active:
            self.stock.activate(made)
        return made

    def wrapping_key(self):
        """A key of zeros that wraps as RFC 3394 has it, and is told so: only the proxy can."""
        given = [
            (Attribute.CRYPTOGRAPHIC_ALGORITHM, AES),
            (Attribute.CRYPTOGRAPHIC_LENGTH, 128),
            (Attribute.CRYPTOGRAPHIC_USAGE_MASK, [Mask.WRAP_KEY]),
            (Attribute.CRYPTOGRAPHIC_PARAMETERS, WRAPPING),
        ]
        made = granted(
            self.stock.proxy.register(
                enums.ObjectType.SYMMETRIC_KEY,
                core.TemplateAttribute([attributes.create_attribute(*each) for each in given]),
                ObjectFactory().convert(objects.SymmetricKey(AES, 128, bytes(16))),
            )
        ).uuid
        self.stock.activate(made)
        return made

    def wrapped(self):
        """What SECRET is under it: 1.0 knows no Encoding Option, and wraps the whole Key Value."""
        head = bytes.fromhex("4200450100000018" "4200430800000010")
        return aes_key_wrap(bytes(16), head + SECRET if self.version == "KMIP_1_0" else SECRET)

    def encoding(self):
        """The field that says to wrap the bytes alone."""
        if self.version == "KMIP_1_0":
            return {}
        return {"encoding_option": enums.EncodingOption.NO_ENCODING}

    def pair(self, active=False):
        """An RSA pair that signs: public, private."""
        pair = self.stock.create_key_pair(
            Algorithm.RSA, 2048, public_usage_mask=[Mask.VERIFY], private_usage_mask=[Mask.SIGN]
        )
        if active:
            for each in pair:
                self.stock.activate(each)
        return pair

    def attribute(self, uid, name):
        """The plain value of an attribute, or None, as the client of 1.4 sees it."""
        _, found = self.stock.get_attributes(uid, [name])
        value = found[0].attribute_value if found else None
        return value.name_value.value if name == "Name" and found else getattr(value, "value", None)

    def forget(self):
        for file in self.files:
            os.unlink(file)
        self.files.clear()


CREDENTIAL = Credential(
    credential_type=enums.CredentialType.USERNAME_AND_PASSWORD,
    credential_value=UsernamePasswordCredential(username="somebody", password="nothing"),
)


def public_of(kind):
    """The public methods and properties of a class, by name."""
    return [name for name, _ in inspect.getmembers(kind) if not name.startswith("_")]


class Watch:
    """Notes which parameters of a client's methods are given, where a check calls them itself."""

    def __init__(self, kind):
        self.kind, self.given, self.all, self.depth = kind, set(), set(), 0
        for name, method in list(vars(kind).items()):
            if inspect.isfunction(method) and (name == "__init__" or name[0] != "_"):
                setattr(kind, name, self.watched(name, method))

    def watched(self, name, method):
        # PyKMIP's own wrapper hides the signature of what it wraps.
        cells = [cell.cell_contents for cell in method.__closure__ or ()]
        signature = inspect.signature(next(filter(inspect.isfunction, cells), method))
        named = [
            parameter
            for parameter, kind in signature.parameters.items()
            if parameter != "self" and kind.kind != inspect.Parameter.VAR_KEYWORD
        ]
        self.all.update(f"{name} {parameter}" for parameter in named)

        def call(*given, **more):
            if Watch.depth == 0:
                bound = signature.bind(*given, **more).arguments
                self.given.update(f"{name} {each}" for each in named if each in bound)
            Watch.depth += 1
            try:
                return method(*given, **more)
            finally:
                Watch.depth -= 1

        return call

    depth = 0

    def never_given(self):
        return sorted(self.all - self.given)
