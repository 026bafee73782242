"""Requests to Oracle Cloud are signed as Oracle documents it, with keys in every form that people have them in."""

import base64

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from collectors.errors import ProviderRefusedError
from collectors.oci.client import Question
from collectors.oci.signing import ApiKey, authorization, in_one_line, load_key, signing_string
from tests.oci import KEY, PEM

HOST, DATE = "iaas.us-phoenix-1.oraclecloud.com", "Thu, 05 Jan 2014 21:31:40 GMT"
VOLUME = "ocid1.volume.oc1.phx.abyhqljrgvttnlx73nmrwfaux7kcvzfs3s66izvxf2h4lgvyndsdsnoiwr5q"
COMPARTMENT = "ocid1.compartment.oc1..aaaaaaaam3we6vgnherjq5q2idnccdflvjsnog7mlr6rtdb25gilchfeyjxa"
DOCUMENTED = Question(
    "iaas",
    "us-phoenix-1",
    "/20160918/instances",
    (
        ("availabilityDomain", "Pjwf: PHX-AD-1"),
        ("compartmentId", COMPARTMENT),
        ("displayName", "TeamXInstances"),
        ("volumeId", VOLUME),
    ),
)
SIGNATURE = (
    "GBas7grhyrhSKHP6AVIj/h5/Vp8bd/peM79H9Wv8kjoaCivujVXlpbKLjMPeDUhxkFIWtTtLBj3sUzaFj34XE6YZAHc9r2DmE4pMwOAy/kiITcZxa1"
    "oHPOeRheC0jP2dqbTll8fmTZVwKZOKHYPtrLJIJQHJjNvxFWeHQjMaR7M="
)
PUBLIC_KEY = """-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDCFENGw33yGihy92pDjZQhl0C3
6rPJj+CvfSC8+q28hxA161QFNUd13wuCTUcq0Qd2qsBe/2hFyc2DCJJg0h1L78+6
Z4UMR7EOcpfdUE9Hf3m/hs+FUR45uBJeDK1HSFHD8bHKD6kv8FPGfJTotc+2xjJw
oYi+1hqp1fIekaxsyQIDAQAB
-----END PUBLIC KEY-----
"""


def test_the_documented_signature_is_one_of_the_string_that_is_signed_here() -> None:
    """The example of Oracle's "Request Signatures", checked with the public half of its key."""
    public = load_pem_public_key(PUBLIC_KEY.encode())
    assert isinstance(public, RSAPublicKey)
    signed = signing_string(DOCUMENTED.target, HOST, DATE)

    public.verify(base64.b64decode(SIGNATURE), signed.encode(), PKCS1v15(), hashes.SHA256())
    assert signed.splitlines()[1].startswith(
        "(request-target): get /20160918/instances?availabilityDomain=Pjwf%3A%20PHX"
    )


def test_the_header_names_the_key_and_what_is_signed() -> None:
    key = ApiKey("ocid1.tenancy.oc1..t", "ocid1.user.oc1..u", "20:3b", KEY)
    said = authorization(key, "/n/", HOST, DATE)

    head, _, signature = said.removesuffix('"').rpartition('"')
    assert head == (
        'Signature version="1",headers="date (request-target) host",'
        'keyId="ocid1.tenancy.oc1..t/ocid1.user.oc1..u/20:3b",algorithm="rsa-sha256",signature='
    )
    string = signing_string("/n/", HOST, DATE).encode()
    KEY.public_key().verify(base64.b64decode(signature), string, PKCS1v15(), hashes.SHA256())


def pem(encryption: serialization.KeySerializationEncryption, *, traditional: bool = False) -> str:
    """The key of the tests in another form."""
    formats = serialization.PrivateFormat
    form = formats.TraditionalOpenSSL if traditional else formats.PKCS8
    return KEY.private_bytes(serialization.Encoding.PEM, form, encryption).decode()


PLAIN, LOCKED = serialization.NoEncryption(), serialization.BestAvailableEncryption(b"open sesame")


@pytest.mark.parametrize(
    ("text", "passphrase"),
    [
        (PEM, ""),
        (PEM, "not needed"),
        (pem(PLAIN, traditional=True), ""),
        (pem(LOCKED), "open sesame"),
        (f"{PEM}\r\nOCI_API_KEY\n", ""),
        (PEM.replace("\n", "\r\n"), ""),
        (PEM.replace("\n", ""), ""),
        (PEM.replace("\n", " "), ""),
    ],
)
def test_a_key_is_read_in_every_form_that_people_paste(text: str, passphrase: str) -> None:
    kept = in_one_line(text)

    assert kept.isprintable()
    assert "OCI_API_KEY" not in kept
    assert load_key(kept, passphrase).private_numbers() == KEY.private_numbers()


def test_a_key_that_cannot_be_opened_says_what_is_missing() -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    curve = other.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, PLAIN).decode()

    with pytest.raises(ProviderRefusedError, match="is encrypted: give its passphrase"):
        load_key(pem(LOCKED), "")
    with pytest.raises(ProviderRefusedError, match="damaged, or of another passphrase"):
        load_key(pem(LOCKED), "wrong")
    with pytest.raises(ProviderRefusedError, match="damaged, or of another passphrase"):
        load_key(PEM.replace(PEM[100:200], ""), "")
    with pytest.raises(ProviderRefusedError, match="is no RSA key"):
        load_key(curve, "")


def test_what_is_no_key_is_told_before_it_is_kept() -> None:
    with pytest.raises(ValueError, match="This is no private key"):
        in_one_line(PUBLIC_KEY)
    with pytest.raises(ValueError, match="too old"):
        in_one_line(pem(LOCKED, traditional=True))
