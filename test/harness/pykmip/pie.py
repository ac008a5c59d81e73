"""A check for each method of ProxyKmipClient, which bears the method's name."""
import ssl

from kmip.core import primitives
from kmip.core.factories.attribute_values import AttributeValueFactory
from world import *

values = AttributeValueFactory()


class PieChecks:
    def __init__(self, world, client):
        self.world, self.client = world, client

    @staticmethod
    def client_of(world):
        return world.pie()

    def kmip_version(self):
        assert self.client.kmip_version == enums.KMIPVersion[self.world.version]
        self.client.kmip_version = enums.KMIPVersion.KMIP_1_4
        made = self.world.key()
        assert self.client.get(made).value == SECRET
        assert self.client.proxy.kmip_version == enums.KMIPVersion.KMIP_1_4

    def open(self):
        client = ProxyKmipClient(
            username="somebody",
            password="nothing",
            config="here",
            config_file=self.world.configured(),
            kmip_version=enums.KMIPVersion[self.world.version],
        )
        client.open()
        made = client.create(AES, 128)
        client.close()
        assert self.world.stock.get(made).cryptographic_length == 128

    def close(self):
        self.client.close()
        try:
            self.client.create(AES, 128)
        except exceptions.ClientConnectionNotOpen:
            self.client.open()
            self.client.create(AES, 128)
            return
        raise AssertionError("a closed client asked")

    def create(self):
        name = self.world.name("made")
        for length in (128, 192, 256):
            made = self.client.create(AES, length)
            assert len(self.world.stock.get(made).value) * 8 == length
        made = self.client.create(
            AES,
            256,
            operation_policy_name="default" if self.world.is_old else None,
            name=name,
            cryptographic_usage_mask=[Mask.WRAP_KEY],
        )
        key = self.world.stock.get(made)
        masks = Mask.ENCRYPT.value | Mask.DECRYPT.value | Mask.WRAP_KEY.value
        assert len(key.value) == 32
        assert self.world.attribute(made, "Cryptographic Usage Mask") == masks
        assert self.world.attribute(made, "Name") == name
        assert "INVALID_FIELD" in refused(lambda: self.client.create(AES, 5))

    def create_key_pair(self):
        public_name, private_name = self.world.name("public"), self.world.name("private")
        public, private = self.client.create_key_pair(
            Algorithm.RSA,
            2048,
            operation_policy_name="default" if self.world.is_old else None,
            public_name=public_name,
            public_usage_mask=[Mask.VERIFY],
            private_name=private_name,
            private_usage_mask=[Mask.SIGN],
        )
        stock = self.world.stock
        assert stock.get(public).cryptographic_length == 2048
        assert stock.get(private).cryptographic_length == 2048
        assert self.world.attribute(public, "Name") == public_name
        assert self.world.attribute(private, "Name") == private_name
        assert self.world.attribute(private, "Cryptographic Usage Mask") == Mask.SIGN.value

    def given(self):
        """An object of each kind that PyKMIP can register."""
        stock = self.world.stock
        public, private = map(stock.get, self.world.pair())
        name = self.world.name
        return [
            objects.SymmetricKey(AES, 128, SECRET, [Mask.ENCRYPT], name("key")),
            objects.PublicKey(
                Algorithm.RSA, 2048, public.value, public.key_format_type, [Mask.VERIFY], name("p")
            ),
            objects.PrivateKey(
                Algorithm.RSA, 2048, private.value, private.key_format_type, [Mask.SIGN], name("s")
            ),
            objects.SplitKey(
                AES,
                128,
                SECRET,
                [Mask.ENCRYPT],
                name("part"),
                split_key_parts=3,
                key_part_identifier=1,
                split_key_threshold=2,
                split_key_method=enums.SplitKeyMethod.XOR,
            ),
            objects.SecretData(SECRET, enums.SecretDataType.PASSWORD, [Mask.DERIVE_KEY], name("d")),
            objects.OpaqueObject(SECRET, enums.OpaqueDataType.NONE, name("bytes")),
            objects.X509Certificate(self.certificate(), [Mask.VERIFY], name("certificate")),
        ]

    def certificate(self):
        with open(self.world.folder + "/cert.pem") as file:
            return ssl.PEM_cert_to_DER_cert(file.read())

    def register(self):
        for each in self.given():
            made = self.client.register(each)
            came = self.world.stock.get(made)
            assert type(came) is type(each), type(each)
            assert came.value == each.value, type(each)
            assert self.world.attribute(made, "Name") == each.names[0]

    def register__wrapped(self):
        """What comes wrapped goes out wrapped, bytes and what is said of them."""
        wrapping = {
            "wrapping_method": enums.WrappingMethod.ENCRYPT,
            "encryption_key_information": {
                "unique_identifier": self.world.wrapping_key(),
                "cryptographic_parameters": WRAPPING,
            },
            "encoding_option": enums.EncodingOption.NO_ENCODING,
        }
        value = aes_key_wrap(bytes(16), SECRET)
        given = objects.SymmetricKey(
            AES, 128, value, [Mask.ENCRYPT], self.world.name("wrapped"), key_wrapping_data=wrapping
        )
        came = self.world.stock.get(self.client.register(given))
        assert (came.value, came.key_wrapping_data) == (value, given.key_wrapping_data)

    def get(self):
        stock = self.world.stock
        for each in self.given():
            came = self.client.get(stock.register(each))
            assert type(came) is type(each), type(each)
            assert came.value == each.value, type(each)
        nothing = "ITEM_NOT_FOUND" if self.world.is_old else "OBJECT_NOT_FOUND"
        assert nothing in refused(lambda: self.client.get("no such key"))

    def get__wrapped(self):
        wrapping = self.world.wrapping_key()
        made = self.world.key()
        wrapped = self.client.get(
            uid=made,
            key_wrapping_specification={
                "wrapping_method": enums.WrappingMethod.ENCRYPT,
                "encryption_key_information": {
                    "unique_identifier": wrapping,
                    "cryptographic_parameters": WRAPPING,
                },
                **self.world.encoding(),
            },
        )
        assert wrapped.value == self.world.wrapped()

    def rekey(self):
        made = self.world.key(active=True)
        renewed = self.client.rekey(uid=made, offset=0)
        assert self.world.stock.get(renewed).value != SECRET
        assert self.world.attribute(renewed, "State").name == "ACTIVE"
        dates = {
            "activation_date": 2_000_000_000,
            "process_start_date": 2_000_000_001,
            "protect_stop_date": 2_000_000_002,
            "deactivation_date": 2_000_000_003,
        }
        later = self.client.rekey(self.world.key(), **dates)
        for name, date in dates.items():
            seen = self.world.attribute(later, name.replace("_", " ").title())
            assert seen == date, name

    def derive_key(self):
        made = self.world.key([Mask.DERIVE_KEY], active=True)
        derived = self.client.derive_key(
            object_type=enums.ObjectType.SYMMETRIC_KEY,
            unique_identifiers=[made],
            derivation_method=enums.DerivationMethod.HMAC,
            derivation_parameters=DERIVING,
            cryptographic_algorithm=AES,
            cryptographic_length=128,
            cryptographic_usage_mask=[Mask.ENCRYPT],
        )
        assert self.world.stock.get(derived).value == code_of(b"data")[:16]
        secret = self.client.derive_key(
            enums.ObjectType.SECRET_DATA,
            [made],
            enums.DerivationMethod.PBKDF2,
            {
                "cryptographic_parameters": DERIVING["cryptographic_parameters"],
                "salt": b"salt",
                "iteration_count": 1000,
            },
            cryptographic_length=256,
            cryptographic_usage_mask=[Mask.DERIVE_KEY],
        )
        right = hashlib.pbkdf2_hmac("sha256", SECRET, b"salt", 1000, 32)
        assert self.world.stock.get(secret).value == right

    def locate(self):
        name = self.world.name("sought")
        wanted = [attributes.create_attribute(Attribute.NAME, name)]
        made = self.world.stock.create(AES, 128, name=name)
        assert self.client.locate(attributes=wanted) == [made]
        mask = enums.StorageStatusMask
        assert self.client.locate(1, mask.ONLINE_STORAGE.value, attributes=wanted) == [made]
        assert self.client.locate(storage_status_mask=2, attributes=wanted) == []
        if self.world.version >= "KMIP_1_3":
            assert self.client.locate(offset_items=1, attributes=wanted) == []
        if self.world.version >= "KMIP_1_1":
            group = enums.ObjectGroupMember.GROUP_MEMBER_FRESH
            assert self.client.locate(object_group_member=group, attributes=wanted) == [made]
        assert self.client.locate(maximum_items=3) != []

    def check(self):
        made = self.world.key(active=True)
        assert self.client.check(uid=made, cryptographic_usage_mask=[Mask.ENCRYPT]) == made
        asked = self.client.check(
            made, cryptographic_usage_mask=[Mask.DECRYPT], lease_time=60, usage_limits_count=None
        )
        assert asked == made

    def get_attributes(self):
        made = self.world.key(active=True)
        uid, found = self.client.get_attributes(uid=made, attribute_names=["State"])
        assert uid == made
        [state] = found
        assert state.attribute_value.value == enums.State.ACTIVE

    def get_attributes__of_everything(self):
        made = self.world.key(active=True)
        assert len(self.client.get_attributes(made)[1]) > 10

    def get_attribute_list(self):
        made = self.world.key()
        names = self.client.get_attribute_list(uid=made)
        assert "Cryptographic Length" in names and "State" in names

    def activate(self):
        made = self.world.key()
        self.client.activate(uid=made)
        assert self.world.attribute(made, "State") == enums.State.ACTIVE
        assert "PERMISSION_DENIED" in refused(lambda: self.world.stock.activate(made))

    def revoke(self):
        codes = enums.RevocationReasonCode
        made = self.world.key(active=True)
        self.client.revoke(
            revocation_reason=codes.KEY_COMPROMISE,
            uid=made,
            revocation_message="lost",
            compromise_occurrence_date=6,
        )
        assert self.world.attribute(made, "State") == enums.State.COMPROMISED
        assert self.world.attribute(made, "Compromise Occurrence Date") == 6
        other = self.world.key(active=True)
        self.client.revoke(codes.CESSATION_OF_OPERATION, other)
        assert self.world.attribute(other, "State") == enums.State.DEACTIVATED

    def destroy(self):
        made = self.world.key()
        self.client.destroy(uid=made)
        assert "ITEM_NOT_FOUND" in refused(lambda: self.world.stock.get(made))
        active = self.world.key(active=True)
        reason = refused(lambda: self.client.destroy(active))
        assert "An Active object has to be revoked first" in reason, reason

    @since("KMIP_1_2")
    def encrypt(self):
        made = self.world.key(active=True)
        vector = bytes(16)
        sealed, _ = self.client.encrypt(
            data=b"some data", uid=made, cryptographic_parameters=CBC, iv_counter_nonce=vector
        )
        assert self.world.stock.decrypt(sealed, made, CBC, vector) == b"some data"

    @since("KMIP_1_2")
    def decrypt(self):
        made = self.world.key(active=True)
        vector = bytes(16)
        sealed, _ = self.world.stock.encrypt(b"some data", made, CBC, vector)
        opened = self.client.decrypt(
            data=sealed, uid=made, cryptographic_parameters=CBC, iv_counter_nonce=vector
        )
        assert opened == b"some data"

    @since("KMIP_1_2")
    def sign(self):
        public, private = self.world.pair(active=True)
        signature = self.client.sign(
            data=b"message", uid=private, cryptographic_parameters=PSS
        )
        verdict = self.world.stock.signature_verify(b"message", signature, public, PSS)
        assert verdict == enums.ValidityIndicator.VALID

    @since("KMIP_1_2")
    def signature_verify(self):
        public, private = self.world.pair(active=True)
        signature = self.world.stock.sign(b"message", private, PSS)
        verdicts = [
            self.client.signature_verify(
                message=message, signature=signature, uid=public, cryptographic_parameters=PSS
            )
            for message in (b"message", b"massage")
        ]
        assert verdicts == [enums.ValidityIndicator.VALID, enums.ValidityIndicator.INVALID]

    @since("KMIP_1_2")
    def mac(self):
        made = self.world.key([Mask.MAC_GENERATE], active=True)
        uid, code = self.client.mac(data=b"message", uid=made, algorithm=Algorithm.HMAC_SHA256)
        assert (uid, code) == (made, code_of(b"message"))

    def delete_attribute(self):
        made = self.world.key()
        if self.world.is_old:
            uid, gone = self.client.delete_attribute(
                unique_identifier=made, attribute_name="Name", attribute_index=0
            )
            assert gone.attribute_name.value == "Name"
        else:
            current = values.create_attribute_value_by_enum(
                enums.Tags.NAME, self.world.attribute(made, "Name")
            )
            uid, _ = self.client.delete_attribute(
                made, current_attribute=core.CurrentAttribute(current)
            )
        assert uid == made
        assert self.world.attribute(made, "Name") is None

    @since("KMIP_2_0")
    def delete_attribute__by_reference(self):
        """A vendor's attribute, whose reference is the only one that PyKMIP can write."""
        given = [
            (Attribute.CRYPTOGRAPHIC_ALGORITHM, AES),
            (Attribute.CRYPTOGRAPHIC_LENGTH, 128),
            (Attribute.CRYPTOGRAPHIC_USAGE_MASK, [Mask.ENCRYPT]),
        ]
        own = core.Attribute(
            attribute_name=core.Attribute.AttributeName("x-Place"),
            attribute_value=primitives.TextString("the rack", enums.Tags.ATTRIBUTE_VALUE),
        )
        made = granted(
            self.world.stock.proxy.create(
                enums.ObjectType.SYMMETRIC_KEY,
                core.TemplateAttribute([attributes.create_attribute(*each) for each in given] + [own]),
            )
        ).uuid
        assert "x-Place" in self.world.stock.get_attribute_list(made)
        reference = core.AttributeReference(vendor_identification="x", attribute_name="Place")
        self.client.delete_attribute(made, attribute_reference=reference)
        assert "x-Place" not in self.world.stock.get_attribute_list(made)

    @since("KMIP_2_0")
    def set_attribute(self):
        made = self.world.key()
        uid = self.client.set_attribute(
            unique_identifier=made, attribute_name="Sensitive", attribute_value=True
        )
        assert uid == made
        assert self.world.attribute(made, "Sensitive") is True

    def modify_attribute(self):
        made = self.world.key()
        name = self.world.name("another")
        if self.world.is_old:
            anew = attributes.create_attribute(Attribute.NAME, name)
            anew.attribute_index = core.Attribute.AttributeIndex(0)
            uid, came = self.client.modify_attribute(unique_identifier=made, attribute=anew)
            assert came.attribute_value.name_value.value == name
        else:
            before = self.world.attribute(made, "Name")
            uid, _ = self.client.modify_attribute(
                made,
                current_attribute=core.CurrentAttribute(
                    values.create_attribute_value_by_enum(enums.Tags.NAME, before)
                ),
                new_attribute=core.NewAttribute(
                    values.create_attribute_value_by_enum(enums.Tags.NAME, name)
                ),
            )
        assert uid == made
        assert self.world.attribute(made, "Name") == name
