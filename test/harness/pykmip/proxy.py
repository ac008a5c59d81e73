"""A check for each method of KMIPProxy, which bears the method's name."""
from contextlib import contextmanager

from kmip.core import attributes as attr
from kmip.core import primitives
from kmip.core.factories.attribute_values import AttributeValueFactory
from kmip.core.messages import contents, payloads
from kmip.core.misc import KeyFormatType, Offset
from world import *

values = AttributeValueFactory()
convert = ObjectFactory().convert
Parameters = attr.CryptographicParameters


def template(*given, tag=enums.Tags.TEMPLATE_ATTRIBUTE):
    made = [attributes.create_attribute(name, value) for name, value in given]
    return core.TemplateAttribute(attributes=made, tag=tag)


def made_of(length, *more):
    masks = [Mask.ENCRYPT, Mask.DECRYPT]
    return (
        (Attribute.CRYPTOGRAPHIC_ALGORITHM, AES),
        (Attribute.CRYPTOGRAPHIC_LENGTH, length),
        (Attribute.CRYPTOGRAPHIC_USAGE_MASK, masks),
        *more,
    )


def renewed_templates():
    """Re-key Key Pair wants classes of their own for what Create Key Pair takes by its tag."""
    contact = attributes.create_attribute(Attribute.CONTACT_INFORMATION, "somebody")
    return {
        "common_template_attribute": core.CommonTemplateAttribute(attributes=[contact]),
        "private_key_template_attribute": core.PrivateKeyTemplateAttribute(),
        "public_key_template_attribute": core.PublicKeyTemplateAttribute(),
    }


def pair_templates(*common):
    tags = enums.Tags
    usage = Attribute.CRYPTOGRAPHIC_USAGE_MASK
    return {
        "common_template_attribute": template(*common, tag=tags.COMMON_TEMPLATE_ATTRIBUTE),
        "private_key_template_attribute": template(
            (usage, [Mask.SIGN]), tag=tags.PRIVATE_KEY_TEMPLATE_ATTRIBUTE
        ),
        "public_key_template_attribute": template(
            (usage, [Mask.VERIFY]), tag=tags.PUBLIC_KEY_TEMPLATE_ATTRIBUTE
        ),
    }


RSA = ((Attribute.CRYPTOGRAPHIC_ALGORITHM, Algorithm.RSA), (Attribute.CRYPTOGRAPHIC_LENGTH, 2048))


class ProxyChecks:
    def __init__(self, world, client):
        self.world, self.client = world, client

    @staticmethod
    @contextmanager
    def client_of(world):
        client = world.proxy()
        client.open()
        try:
            yield client
        finally:
            client.close()

    def batched(self, add, *more):
        """Sends what a call put into the client's batch, and gives the one result."""
        nothing = add(batch=True, credential=CREDENTIAL)
        assert nothing is None and len(self.client.batch_items) == 1
        request = self.client._build_request_message(CREDENTIAL, self.client.batch_items)
        self.client.batch_items = []
        response = self.client._send_and_receive_message(request)
        [result] = self.client._process_batch_items(response)
        return granted(result)

    def kmip_version(self):
        assert self.client.kmip_version == enums.KMIPVersion[self.world.version]
        self.client.kmip_version = enums.KMIPVersion.KMIP_1_1
        asked = granted(self.client.create(enums.ObjectType.SYMMETRIC_KEY, template(*made_of(128))))
        assert asked.uuid is not None

    def open(self):
        client = KMIPProxy(
            username="somebody",
            password="nothing",
            config="here",
            config_file=self.world.configured("timeout=60\n"),
            kmip_version=enums.KMIPVersion[self.world.version],
        )
        client.open()
        made = granted(client.get(self.world.key()))
        assert convert(made.secret).value == SECRET
        client.close()

    def close(self):
        self.client.close()
        assert self.client.socket is None
        self.client.open()
        granted(self.client.get(self.world.key()))

    def get_supported_conformance_clauses(self):
        """What the client says of itself holds for the server: it tells its versions."""
        clauses = self.client.get_supported_conformance_clauses()
        assert clauses == [enums.ConformanceClause.DISCOVER_VERSIONS]
        granted(self.client.discover_versions())

    def get_supported_authentication_suites(self):
        suites = self.client.get_supported_authentication_suites()
        assert enums.AuthenticationSuite.TLS12 in suites
        assert self.client.socket.version() == "TLSv1.2"

    def is_conformance_clause_supported(self):
        clause = enums.ConformanceClause.DISCOVER_VERSIONS
        assert self.client.is_conformance_clause_supported(conformance_clause=clause)

    def is_authentication_suite_supported(self):
        suite = enums.AuthenticationSuite.TLS12
        assert self.client.is_authentication_suite_supported(authentication_suite=suite)

    def is_profile_supported(self):
        assert self.client.is_profile_supported(
            conformance_clause=enums.ConformanceClause.DISCOVER_VERSIONS,
            authentication_suite=enums.AuthenticationSuite.TLS12,
        )

    def send_request_payload(self):
        made = self.world.key()
        delete = payloads.DeleteAttributeRequestPayload(
            unique_identifier=made, attribute_name="Name", attribute_index=0
        )
        if not self.world.is_old:
            name = self.world.attribute(made, "Name")
            delete = payloads.DeleteAttributeRequestPayload(
                unique_identifier=made,
                current_attribute=core.CurrentAttribute(
                    values.create_attribute_value_by_enum(enums.Tags.NAME, name)
                ),
            )
        came = self.client.send_request_payload(
            operation=enums.Operation.DELETE_ATTRIBUTE, payload=delete, credential=CREDENTIAL
        )
        assert came.unique_identifier == made
        assert self.world.attribute(made, "Name") is None

    def create(self):
        name = self.world.name("made")
        came = granted(
            self.client.create(
                object_type=enums.ObjectType.SYMMETRIC_KEY,
                template_attribute=template(*made_of(256, (Attribute.NAME, name))),
                credential=CREDENTIAL,
            )
        )
        assert len(self.world.stock.get(came.uuid).value) == 32
        assert self.world.attribute(came.uuid, "Name") == name

    def create_key_pair(self):
        came = granted(
            self.client.create_key_pair(
                batch=False, credential=CREDENTIAL, **pair_templates(*RSA)
            )
        )
        stock = self.world.stock
        for each in (came.public_key_uuid, came.private_key_uuid):
            assert stock.get(each).cryptographic_length == 2048
        again = self.batched(
            lambda **more: self.client.create_key_pair(**more, **pair_templates(*RSA))
        )
        assert stock.get(again.private_key_uuid).cryptographic_length == 2048

    def activate(self):
        made = self.world.key()
        came = granted(self.client.activate(uuid=made, credential=CREDENTIAL))
        assert came.uuid.value == made
        assert self.world.attribute(made, "State") == enums.State.ACTIVE

    def rekey(self):
        made = self.world.key(active=True)
        came = granted(
            self.client.rekey(
                uuid=made,
                offset=0,
                template_attribute=template((Attribute.CONTACT_INFORMATION, "somebody")),
                credential=CREDENTIAL,
            )
        )
        renewed = came["unique_identifier"]
        assert self.world.stock.get(renewed).value != SECRET
        assert self.world.attribute(renewed, "Contact Information") == "somebody"

    def rekey__without_attributes(self):
        came = granted(self.client.rekey(self.world.key(active=True)))
        assert self.world.stock.get(came["unique_identifier"]).value != SECRET

    def renews(self, ask):
        """Whether a pair is made anew by what is asked of its private key."""
        stock = self.world.stock
        _, private = self.world.pair(active=True)
        came = granted(ask(attr.PrivateKeyUniqueIdentifier(private)))
        assert stock.get(came.private_key_uuid).value != stock.get(private).value
        assert stock.get(came.public_key_uuid).cryptographic_length == 2048
        return came.private_key_uuid

    @since("KMIP_1_1")
    def rekey_key_pair(self):
        made = self.renews(
            lambda uuid: self.client.rekey_key_pair(
                batch=False,
                private_key_uuid=uuid,
                offset=Offset(0),
                credential=CREDENTIAL,
                **renewed_templates(),
            )
        )
        assert self.world.attribute(made, "Contact Information") == "somebody"

    @since("KMIP_1_1")
    def rekey_key_pair__without_attributes(self):
        rekeyed = self.client.rekey_key_pair
        self.renews(lambda uuid: rekeyed(private_key_uuid=uuid))
        self.renews(lambda uuid: self.batched(lambda **more: rekeyed(private_key_uuid=uuid, **more)))

    def derive_key(self):
        made = self.world.key([Mask.DERIVE_KEY], active=True)
        came = granted(
            self.client.derive_key(
                object_type=enums.ObjectType.SYMMETRIC_KEY,
                unique_identifiers=[made],
                derivation_method=enums.DerivationMethod.HMAC,
                derivation_parameters=attr.DerivationParameters(
                    cryptographic_parameters=Parameters(
                        hashing_algorithm=enums.HashingAlgorithm.SHA_256
                    ),
                    derivation_data=b"data",
                ),
                template_attribute=template(*made_of(128)),
                credential=CREDENTIAL,
            )
        )
        assert self.world.stock.get(came["unique_identifier"]).value == code_of(b"data")[:16]

    def check(self):
        made = self.world.key(active=True)
        came = granted(
            self.client.check(
                uuid=made,
                cryptographic_usage_mask=[Mask.ENCRYPT],
                lease_time=60,
                credential=CREDENTIAL,
            )
        )
        assert came["unique_identifier"] == made
        # The key's use is not limited, so that any count is let.
        counted = self.client.check(made, 5, cryptographic_usage_mask=[])
        assert granted(counted)["unique_identifier"] == made

    def get(self):
        made = self.world.key()
        plain = granted(
            self.client.get(
                uuid=made,
                key_format_type=KeyFormatType(enums.KeyFormatType.RAW),
                credential=CREDENTIAL,
            )
        )
        assert convert(plain.secret).value == SECRET
        public, _ = self.world.pair()
        compression = enums.KeyCompressionType.EC_PUBLIC_KEY_TYPE_UNCOMPRESSED
        compressed = self.client.get(public, key_compression_type=compression)
        assert "COMPRESSION" in refused(lambda: granted(compressed))

    def get__wrapped(self):
        wrapping = self.world.wrapping_key()
        made = self.world.key()
        wrapped = granted(
            self.client.get(
                made,
                key_wrapping_specification=core.KeyWrappingSpecification(
                    wrapping_method=enums.WrappingMethod.ENCRYPT,
                    encryption_key_information=core.EncryptionKeyInformation(
                        unique_identifier=wrapping,
                        cryptographic_parameters=Parameters(**WRAPPING),
                    ),
                    **self.world.encoding(),
                ),
            )
        )
        assert convert(wrapped.secret).value == self.world.wrapped()

    def get_attributes(self):
        made = self.world.key(active=True)
        came = granted(self.client.get_attributes(uuid=made, attribute_names=["State"]))
        assert came.uuid == made
        [state] = came.attributes
        assert state.attribute_value.value == enums.State.ACTIVE

    def get_attribute_list(self):
        made = self.world.key()
        came = granted(self.client.get_attribute_list(uid=made))
        assert came.uid == made and "State" in came.names

    def revoke(self):
        made = self.world.key(active=True)
        came = granted(
            self.client.revoke(
                revocation_reason=enums.RevocationReasonCode.KEY_COMPROMISE,
                uuid=made,
                revocation_message="lost",
                compromise_occurrence_date=primitives.DateTime(
                    6, enums.Tags.COMPROMISE_OCCURRENCE_DATE
                ),
                credential=CREDENTIAL,
            )
        )
        assert came.unique_identifier.value == made
        assert self.world.attribute(made, "State") == enums.State.COMPROMISED

    def destroy(self):
        made = self.world.key()
        came = granted(self.client.destroy(uuid=made, credential=CREDENTIAL))
        assert came.uuid.value == made
        assert "ITEM_NOT_FOUND" in refused(lambda: self.world.stock.get(made))

    def register(self):
        key = objects.SymmetricKey(AES, 128, SECRET)
        name = self.world.name("given")
        came = granted(
            self.client.register(
                object_type=enums.ObjectType.SYMMETRIC_KEY,
                template_attribute=template(*made_of(128, (Attribute.NAME, name))),
                secret=convert(key),
                credential=CREDENTIAL,
            )
        )
        assert self.world.stock.get(came.uuid).value == SECRET

    def locate(self):
        name = self.world.name("sought")
        made = self.world.stock.create(AES, 128, name=name)
        is_grouped = self.world.version >= "KMIP_1_1"
        is_offset = self.world.version >= "KMIP_1_3"
        came = granted(
            self.client.locate(
                maximum_items=2,
                storage_status_mask=1,
                object_group_member=enums.ObjectGroupMember.GROUP_MEMBER_FRESH
                if is_grouped
                else None,
                attributes=[attributes.create_attribute(Attribute.NAME, name)],
                credential=CREDENTIAL,
                offset_items=0 if is_offset else None,
            )
        )
        assert came.uuids == [made]

    def query(self):
        functions = [
            enums.QueryFunction.QUERY_OPERATIONS,
            enums.QueryFunction.QUERY_OBJECTS,
            enums.QueryFunction.QUERY_SERVER_INFORMATION,
            enums.QueryFunction.QUERY_APPLICATION_NAMESPACES,
        ]
        came = granted(
            self.client.query(batch=False, query_functions=functions, credential=CREDENTIAL)
        )
        assert enums.Operation.GET in came.operations
        assert enums.ObjectType.SYMMETRIC_KEY in came.object_types
        assert came.vendor_identification
        again = self.batched(lambda **more: self.client.query(query_functions=functions, **more))
        assert again.operations == came.operations

    def discover_versions(self):
        came = granted(self.client.discover_versions())
        assert contents.ProtocolVersion(1, 4) in came.protocol_versions
        only = [contents.ProtocolVersion(1, 2)]
        again = self.batched(
            lambda **more: self.client.discover_versions(protocol_versions=only, **more)
        )
        assert again.protocol_versions == only

    @since("KMIP_1_2")
    def encrypt(self):
        made = self.world.key(active=True)
        came = granted(
            self.client.encrypt(
                data=b"some data",
                unique_identifier=made,
                cryptographic_parameters=Parameters(**CBC),
                iv_counter_nonce=bytes(16),
                credential=CREDENTIAL,
            )
        )
        assert self.world.stock.decrypt(came["data"], made, CBC, bytes(16)) == b"some data"

    @since("KMIP_1_2")
    def decrypt(self):
        made = self.world.key(active=True)
        sealed, _ = self.world.stock.encrypt(b"some data", made, CBC, bytes(16))
        came = granted(
            self.client.decrypt(
                data=sealed,
                unique_identifier=made,
                cryptographic_parameters=Parameters(**CBC),
                iv_counter_nonce=bytes(16),
                credential=CREDENTIAL,
            )
        )
        assert came["data"] == b"some data"

    @since("KMIP_1_2")
    def sign(self):
        public, private = self.world.pair(active=True)
        came = granted(
            self.client.sign(
                data=b"message",
                unique_identifier=private,
                cryptographic_parameters=Parameters(**PSS),
                credential=CREDENTIAL,
            )
        )
        verdict = self.world.stock.signature_verify(b"message", came["signature"], public, PSS)
        assert verdict == enums.ValidityIndicator.VALID

    @since("KMIP_1_2")
    def signature_verify(self):
        public, private = self.world.pair(active=True)
        signature = self.world.stock.sign(b"message", private, PSS)
        came = granted(
            self.client.signature_verify(
                message=b"massage",
                signature=signature,
                unique_identifier=public,
                cryptographic_parameters=Parameters(**PSS),
                credential=CREDENTIAL,
            )
        )
        assert came["validity_indicator"] == enums.ValidityIndicator.INVALID

    @since("KMIP_1_2")
    def mac(self):
        made = self.world.key([Mask.MAC_GENERATE], active=True)
        came = granted(
            self.client.mac(
                data=b"message",
                unique_identifier=made,
                cryptographic_parameters=Parameters(**HMAC_256),
                credential=CREDENTIAL,
            )
        )
        assert came.mac_data.value == code_of(b"message")
