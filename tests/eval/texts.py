"""The texts: a credential in a context, class by class.

Contexts, keys and passwords are written here, for themselves; no rule was read for
them. A text is a dictionary: `class`, `what` and `context` name it, `key` is the
attribute that it stands under (or None: a log body), `secrets` must not be readable
in what is left of it, and what stands `around` the credential must be left.
"""

import base64
import gzip
import html
import json
import urllib.parse

import shapes

PLAIN = {
    "alone": "{s}",
    "sentence": "The deploy of Tuesday failed because {s} had expired, please rotate it.",
    "log line": "2026-03-01T10:00:00.123Z WARN [worker-3] c.e.Sync - rejected {s} after 3 tries",
    "JSON": '{{"level":"warn","detail":"{s}","count":3,"ok":false}}',
    "YAML": "settings:\n  region: eu-west-1\n  value: {s}\n  retries: 3\n",
    "markdown": "Use `{s}` and run it again:\n\n    make release\n",
    "brackets": "retrying (with {s})",
    "Python repr": "{{'detail': '{s}', 'parts': [1, 2], 'next': None}}",
    "Go map": "map[attempt:2 detail:{s} region:eu]",
    "shell": "curl -sS -d '{s}' https://api.example.net/v1/items",
    "URL query": "https://app.example.net/cb?x={s}&page=2",
    "stack trace": "Error: cannot use {s}\n    at Client.call (/srv/app/client.js:10:5)\n",
    "CSV": "17,alice,{s},2026-03-01",
    "XML": '<item id="7"><value>{s}</value><more/></item>',
}


def _hexed(escape):
    return lambda text: "".join(escape % ord(c) for c in text)


def _base64(text):
    return base64.b64encode(text.encode()).decode()


def _wrapped(text):
    return "\n".join(_base64(text)[at:at + 64] for at in range(0, len(_base64(text)), 64))


def _json(depth):
    def write(text):
        value = {"text": text, "n": 1}
        for _ in range(depth - 1):
            value = {"inner": json.dumps(value), "n": 2}
        return json.dumps(value)
    return write


def _halved(between):
    return lambda text: text[:len(text) // 2] + between + text[len(text) // 2:]


ENCODED = {
    "JSON in JSON": _json(2),
    "JSON in JSON in JSON": _json(3),
    "base64": _base64,
    "base64url": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "base64 in lines": _wrapped,
    "base64 of base64": lambda text: _base64(_base64(text)),
    "base64 of JSON": lambda text: _base64(json.dumps({"a": 1, "text": text})),
    "gzip in base64": lambda text: base64.b64encode(gzip.compress(text.encode())).decode(),
    "percent": lambda text: urllib.parse.quote(text, safe=""),
    "percent, each byte": _hexed("%%%02X"),
    "percent twice": lambda text: urllib.parse.quote(urllib.parse.quote(text, safe=""), safe=""),
    "\\u escapes": _hexed("\\u%04x"),
    "\\x escapes": _hexed("\\x%02x"),
    "HTML entities": lambda text: html.escape(text, quote=True).replace("-", "&#45;"),
    "HTML entities, each": _hexed("&#%d;"),
    "hex": lambda text: text.encode().hex(),
    "UTF-16 in base64": lambda text: base64.b64encode(text.encode("utf-16-le")).decode(),
}
DISGUISED = {
    "colours around": lambda text: f"\x1b[33m{text}\x1b[0m",
    "colours inside": _halved("\x1b[0m\x1b[1m"),
    "zero-width": _halved("\u200b"),
    "full width": lambda text: "".join(
        chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text),
    "line wrap": _halved("\n"),
}
KEYED = {
    "attribute": None,
    "env": "{k}={s}",
    "export": 'export {k}="{s}"',
    "JSON": '{{"region": "eu", "{k}": "{s}", "retries": 3}}',
    "YAML": "service:\n  {k}: {s}\n  retries: 3\n",
    "TOML": '[service]\n{k} = "{s}"\nretries = 3\n',
    "Python": "client = Client(region='eu', {k}='{s}', retries=3)",
    "header": "POST /v1 HTTP/1.1\r\nHost: api.example.net\r\n{k}: {s}\r\nAccept: */*\r\n\r\n",
    "log": "config loaded region=eu {k}={s} retries=3",
}
ASSIGNED_KEYS = [
    "password", "passwd", "pwd", "PASSWORD", "dbPassword", "db.password", "DB_PASSWORD",
    "MYSQL_ROOT_PASSWORD", "spring.datasource.password", "user_password", "adminPassword",
    "new-password", "passphrase", "secret", "client_secret", "clientSecret", "APP_SECRET",
    "api_key", "apiKey", "API_KEY", "x-api-key", "auth_token", "authToken", "access_token",
    "ACCESS_TOKEN", "refresh_token", "secretKey", "private_key", "signing_secret",
    "webhookSecret", "smtp_password", "REDIS_PASSWORD", "ldap.bind.password",
    "keystore_password", "jwt_secret", "encryption_key", "bearer_token", "sudo_password",
]
ASSIGNED = {
    "env": "{k}={s}",
    "in a log line": "10:00:01 INFO starting with user=app {k}={s} retries=3",
    "quoted": 'set {k}="{s}" for the run',
    "colon": "{k}: {s}",
    "JSON": '{{"user":"app","{k}":"{s}","ttl":60}}',
    "JSON in JSON": '{{"n":1,"body":"{{\\"user\\":\\"app\\",\\"{k}\\":\\"{s}\\"}}"}}',
    "YAML": "db:\n  host: db.internal\n  {k}: {s}\n  port: 5432\n",
    "TOML": 'host = "db"\n{k} = "{s}"\nport = 5432\n',
    "INI": "[db]\nhost=db\n{k} = {s}\nport=5432\n",
    "flag": "run --user app --{k} {s} --verbose",
    "flag with =": "run --user=app --{k}={s} --verbose",
    "query": "GET /login?user=app&{k}={s}&next=home",
    "Python dict": "{{'user': 'app', '{k}': '{s}', 'ttl': 60}}",
    "Java map": "Config{{user=app, {k}={s}, ttl=60}}",
    "Go map": "map[{k}:{s} user:app]",
    "JS object": "{{ user: 'app', {k}: '{s}', ttl: 60 }}",
    "Ruby hash": '{{:user=>"app", :{k}=>"{s}"}}',
    "XML": "<db><user>app</user><{k}>{s}</{k}></db>",
    "XML attribute": '<db user="app" {k}="{s}" ttl="60"/>',
    "attribute": None,
}
WORDS = ["Sommer", "dragon", "Winter", "monkey", "Welcome", "purple", "Letmein", "coffee",
         "Charlie", "shadow", "Falcon", "turtle"]
CONNECTIONS = {
    "PostgreSQL URL": "postgresql://app:{s}@db.internal:5432/orders?sslmode=require",
    "libpq": "host=db.internal port=5432 user=app password={s} dbname=orders",
    "MySQL URL": "mysql://root:{s}@10.0.0.5:3306/shop",
    "SQLAlchemy": "cannot connect to mysql+pymysql://app:{s}@db/shop",
    "JDBC": "jdbc:mysql://db:3306/shop?user=app&password={s}&useSSL=true",
    "JDBC SQL Server": "jdbc:sqlserver://db:1433;databaseName=shop;user=sa;password={s};encrypt=true",
    "JDBC Oracle": "jdbc:oracle:thin:scott/{s}@//db.internal:1521/ORCL",
    "ODBC": "Driver={{ODBC Driver 18 for SQL Server}};Server=db;Uid=app;Pwd={s};Encrypt=yes;",
    "ADO.NET": "Server=tcp:db.example.net,1433;Initial Catalog=shop;User ID=app;Password={s};",
    "MongoDB": "mongodb+srv://app:{s}@cluster0.example.net/shop?retryWrites=true",
    "Redis": "redis://:{s}@cache:6379/0",
    "Redis with user": "rediss://default:{s}@cache.example.net:6380",
    "AMQP": "amqps://svc:{s}@mq.example.net/vhost",
    "SMTP": "smtp://mailer%40example.net:{s}@smtp.example.net:587",
    "FTP": "ftp://backup:{s}@files.example.net/nightly",
    "Azure storage": "DefaultEndpointsProtocol=https;AccountName=logs;AccountKey={s};"
                     "EndpointSuffix=core.windows.net",
    "ClickHouse": "clickhouse://default:{s}@ch:9000/events",
    "Snowflake": "snowflake://app:{s}@acme-eu/db/public?warehouse=wh",
    "Kafka JAAS": 'PlainLoginModule required username="app" password="{s}";',
    "git remote": "fatal: cannot read https://ci:{s}@git.example.net/team/app.git",
}


def _password(random):
    word, other = random.sample(WORDS, 2)
    return random.choice([
        f"{word}{random.randint(10, 9999)}!", f"{word.lower()}{random.randint(1, 99)}",
        f"{word}-{other}-{random.randint(1, 99)}", f"{word[0]}{shapes.draw(random, shapes.BASE62, 9)}",
        shapes.draw(random, shapes.BASE62, random.randint(10, 32)), f"{other}{word}".lower(),
        f"{word}_{random.randint(1950, 2026)}",
    ])


def _text(kind, what, context, text, secrets, key=None, credential=None):
    around = ["", ""] if credential is None else text.split(credential, 1)
    return {"class": kind, "what": what, "context": context, "text": text, "key": key,
            "secrets": secrets, "around": around}


def secret_texts(random):
    """Every text with a secret in it."""
    for name, kind, shape, keys in shapes.formats():
        if kind == "anchored":
            yield from _anchored(name, shape, random)
        else:
            yield from _keyed(name, shape, keys, random)
    for key in ASSIGNED_KEYS:
        for context, template in ASSIGNED.items():
            password = _password(random)
            text = password if template is None else template.format(k=key, s=password)
            own = key if template is None else None
            yield _text("assignment", key, context, text, [password], own, password)
    for context, template in CONNECTIONS.items():
        for number in range(20):
            password = _password(random).replace("!", "")
            if context == "Azure storage":
                password = shapes.draw(random, shapes.BASE62, 86) + "=="
            yield _text("connection string", str(number), context, template.format(s=password),
                        [password], credential=password)


def _anchored(name, shape, random):
    for context in random.sample(sorted(PLAIN), 5):
        secret, parts = shapes.expand(shape, random)
        if "\n" in secret or '"' in secret and context == "JSON":
            secret = json.dumps(secret)[1:-1]
        yield _text("anchored, plain", name, context, PLAIN[context].format(s=secret), parts,
                    credential=secret)
    for context in random.sample(sorted(ENCODED), 4):
        secret, parts = shapes.expand(shape, random)
        text = ENCODED[context](f"retry with {secret} in a minute")
        yield _text("anchored, encoded", name, context, text, parts)
    for context in random.sample(sorted(DISGUISED), 1):
        secret, parts = shapes.expand(shape, random)
        text = f"retry with {DISGUISED[context](secret)} in a minute"
        yield _text("anchored, disguised", name, context, text, parts)


def _keyed(name, shape, keys, random):
    for context in KEYED:
        secret, parts = shapes.expand(shape, random)
        key = random.choice(keys)
        template = KEYED[context]
        text = secret if template is None else template.format(k=key, s=secret)
        yield _text("keyed context", name, context, text, parts, key if template is None else None,
                    credential=secret)
