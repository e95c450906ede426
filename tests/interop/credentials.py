"""Credentials that nobody ever issued, made anew for each run.

None stands in a file: a scanner that reads this repository has nothing to
report, and a gateway cannot pass by knowing them.
"""

import base64
import json
import random
import string

BASE62 = string.ascii_letters + string.digits
BASE64URL = BASE62 + "-_"
RANDOM = random.SystemRandom()


def draw(alphabet, length):
    return "".join(RANDOM.choice(alphabet) for _ in range(length))


def github_pat():
    return "ghp_" + draw(BASE62, 36)


def slack_bot_token():
    return "-".join(["xoxb", draw(string.digits, 12), draw(string.digits, 13), draw(BASE62, 24)])


def aws_access_key_id():
    return "AKIA" + draw(string.ascii_uppercase + "234567", 16)


def aws_secret_access_key():
    return draw(BASE62 + "+/", 40)


def opaque_token():
    return draw(BASE62, 40)


def password():
    # A letter, a digit and a capital wherever the dice fall: a password that a
    # person would be made to choose, with nothing that needs escaping in a URL.
    return "h7" + draw(BASE62, 16) + "Q"


def jwt():
    """A token as it travels, and the part of it that authorises."""

    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    header = part({"alg": "HS256", "typ": "JWT"})
    payload = part({"sub": draw(string.digits, 10), "jti": draw(BASE62, 16), "iat": 1790000000})
    signature = draw(BASE64URL, 42) + "A"
    return f"{header}.{payload}.{signature}", f"{payload}.{signature}"


def basic(user, secret):
    return base64.b64encode(f"{user}:{secret}".encode()).decode()


def private_key():
    """A PEM text, and the lines of it that are the key."""
    lines = [draw(BASE62 + "+/", 64) for _ in range(12)]
    edge = "-----{} " + "PRIVATE KEY-----"
    return "\n".join([edge.format("BEGIN"), *lines, edge.format("END"), ""]), lines
