"""Makes up credentials from the shapes in `formats.tsv`.

A shape is a template: `{lit:a~b}` a literal in pieces, `{one:a~b}` one of several,
`{alphabet:n}` or `{alphabet:n-m}` random characters, `{uuid}`, `{jwt}`, and
`{crc32}` the checksum of the last random part as GitHub and npm write it. Other
checksums are random characters: a token with a wrong one is still a token.
"""

import base64
import pathlib
import re
import string
import zlib

LETTERS = string.ascii_letters
BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
ALPHABETS = {
    "digits": string.digits,
    "hex-lower": "0123456789abcdef",
    "hex-upper": "0123456789ABCDEF",
    "hex-mixed": "0123456789abcdefABCDEF",
    "base32-upper": string.ascii_uppercase + "234567",
    "base32-lower": string.ascii_lowercase + "234567",
    "base36-lower": string.digits + string.ascii_lowercase,
    "base36-upper": string.digits + string.ascii_uppercase,
    "base36-mixed": BASE62,
    "base58": BASE62.translate({ord(c): None for c in "0OIl"}),
    "base62": BASE62,
    "base64": BASE62 + "+/",
    "base64-mime": BASE62 + "+/",
    "base64url": BASE62 + "-_",
    "alpha": LETTERS,
    "alpha-lower": string.ascii_lowercase,
    "alpha-upper": string.ascii_uppercase,
    "word": BASE62 + "_",
    "token68": BASE62 + "-._~+/",
    # Without what ends a value in one syntax or another.
    "visible": BASE62 + "!$*+-._~^=",
    "aad": BASE62 + ".-_~",
    "url-query": BASE62 + "-_.~",
    "hostname": string.ascii_lowercase + string.digits,
    "userinfo": BASE62 + "-._~!$&()*+=",
    "crypt64": BASE62 + "./",
    "bech32-upper": "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
    "slug": string.ascii_lowercase + string.digits + "-_",
}
PART = re.compile(r"\{\{|\}\}|\{([^{}:]+)(?::((?:[^{}]|\{\{|\}\})*))?\}")
# Parts that are numbers of accounts, names of hosts: not secret beside one that is.
NAMES = {"digits", "hostname", "slug"}


def formats():
    """Each format: its id, its class (anchored or context), its shape, its keys."""
    path = pathlib.Path(__file__).with_name("formats.tsv")
    for line in path.read_text().splitlines():
        if not line.startswith("#"):
            name, kind, shape, *keys = line.split("\t")
            yield name, kind, shape, keys[0].split() if keys else []


def draw(random, alphabet, count):
    return "".join(random.choice(alphabet) for _ in range(count))


def jwt(random):
    def part(text):
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    header = part('{"alg":"HS256","typ":"JWT"}')
    payload = part('{"sub":"%s","iat":1767225600}' % draw(random, string.digits, 10))
    return f"{header}.{payload}.{draw(random, ALPHABETS['base64url'], 43)}"


def crc32(text):
    number, digits = zlib.crc32(text.encode()), ""
    for _ in range(6):
        number, rest = divmod(number, 62)
        digits = BASE62[rest] + digits
    return digits


def expand(shape, random):
    """A credential, and what of it is secret: its longest random part."""
    parts, whole, last, at = [], [], "", 0
    out = ""
    for match in PART.finditer(shape):
        out += shape[at:match.start()]
        at = match.end()
        name, argument = match[1], match[2] or ""
        if match[0] in ("{{", "}}"):
            out += match[0][0]
        elif name == "lit":
            out += argument.replace("~", "").replace("{{", "{").replace("}}", "}")
        elif name == "one":
            out += random.choice(argument.split("~"))
        else:
            if name == "uuid":
                last = "-".join(draw(random, ALPHABETS["hex-lower"], n) for n in (8, 4, 4, 4, 12))
            elif name == "jwt":
                last = jwt(random)
            elif name == "crc32":
                last = crc32(last)
            else:
                low, _, high = argument.partition("-")
                last = draw(random, ALPHABETS[name], random.randint(int(low), int(high or low)))
            if name not in NAMES:
                parts.append(last)
            out += last
            whole.append(last)
    out += shape[at:]
    return out, [max(parts or whole, key=len)]
