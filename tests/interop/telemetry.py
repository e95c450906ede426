"""What the clients send: credentials in every place, look-alikes beside them.

It is data, so that one text says what is planted and each client, whatever its
language, only says how its SDK sends it. Each planted credential is drawn for
its place alone: one that arrives names the place that leaked.
"""

import json
import uuid

import credentials
from credentials import draw


class Telemetry:
    """A description that a client reads, and what the checks look for.

    `secrets` are texts that must not arrive. `look_alikes` are attributes that
    must arrive as they are. `kept` are words that stand before a secret in one
    text, and must survive its removal. `json_keys` are attributes whose text is
    JSON before and after.
    """

    def __init__(self):
        self.secrets = []
        self.look_alikes = {}
        self.kept = []
        self.json_keys = []
        self.description = self.describe()

    def plant(self, place, secret):
        self.secrets.append({"place": place, "secret": secret})
        return secret

    def plant_jwt(self, place):
        token, authorising = credentials.jwt()
        self.plant(place, authorising)
        return token

    def plant_basic(self, place):
        secret = self.plant(place, credentials.password())
        return "Basic " + self.plant(place, credentials.basic("deploy", secret))

    def plant_private_key(self, place):
        pem, lines = credentials.private_key()
        for line in lines:
            self.plant(place, line)
        return pem

    def keep(self, words):
        self.kept.append(words.strip())
        return words

    def as_json(self, key, value):
        self.json_keys.append(key)
        return {key: json.dumps(value)}

    def look_alike(self, attributes):
        self.look_alikes.update(attributes)
        return attributes

    def describe(self):
        return {
            "resource": self.resource(),
            "scope": {
                "name": "shop.checkout",
                "version": "1.4.0 " + self.plant("scope version", credentials.github_pat()),
            },
            "spans": [
                self.clean_span(), self.http_span(), self.database_span(), self.agent_span(),
            ],
            "log_records": self.log_records(),
            "metrics": self.metrics(),
        }

    def resource(self):
        return {
            "service.name": "shop",
            **self.look_alike({
                "service.instance.id": str(uuid.uuid4()),
                "container.image.id": "sha256:" + draw("0123456789abcdef", 64),
            }),
            "deployment.note": self.keep("rolled out by hand with ")
            + self.plant("resource attribute", credentials.github_pat()),
            "process.command_args": [
                "shop", "--listen", "127.0.0.1:8080", "--db-password",
                self.plant("resource attribute, flag", credentials.password()),
            ],
        }

    def clean_span(self):
        hex_digits = "0123456789abcdef"
        return {
            "name": "POST /v1/tokens/{token_id}/count",
            "attributes": self.look_alike({
                "gen_ai.usage.input_tokens": 18231,
                "gen_ai.usage.output_tokens": 512,
                "gen_ai.request.max_tokens": 4096,
                "gen_ai.request.temperature": 0.25,
                "gen_ai.request.model": "claude-sonnet-4-5-20250929",
                "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
                "gen_ai.response.id": "chatcmpl-" + draw(credentials.BASE62, 29),
                "gen_ai.tool.call.id": "toolu_01" + draw(credentials.BASE62, 22),
                "gen_ai.token.type": "input",
                "llm.token_count.prompt": 977,
                "tokenizer": "o200k_base",
                "eos_token": "<|endoftext|>",
                "password_policy": "at least 12 characters, one digit",
                "auth.method": "password",
                "app.request": str(uuid.uuid4()),
                "app.caller.trace_id": draw(hex_digits, 32),
                "vcs.ref.head.revision": draw(hex_digits, 40),
                "url.full": "https://shop.example/cart?page=2&token_type=bearer",
                "db.query.text": "SELECT id, password_hash FROM users WHERE email = ?",
                "app.template": "curl -H 'Authorization: Bearer ${GITHUB_TOKEN}'",
                "app.cache.hit": True,
                "app.hosts": ["a.example", "b.example"],
            }),
        }

    def http_span(self):
        password = self.plant("span attribute, URL", credentials.password())
        query = self.plant("span attribute, URL query", credentials.opaque_token())
        bearer = self.plant("span attribute, header array", credentials.opaque_token())
        return {
            "name": "GET",
            "attributes": {
                "http.request.header.authorization": ["Bearer " + bearer],
                "http.request.header.proxy-authorization": [
                    self.plant_basic("span attribute, basic"),
                ],
                "http.request.header.cookie": [
                    # Any cookie may be a session's: of each, the name is kept.
                    self.keep("theme=") + "dark; sessionid="
                    + self.plant("span attribute, cookie", credentials.opaque_token()),
                ],
                "http.request.header.x-api-key": [
                    self.plant("span attribute, API key header", credentials.opaque_token()),
                ],
                "url.full": f"https://deploy:{password}@git.example/shop.git?page=2",
                "url.query": f"page=2&access_token={query}",
                "app.jwt": self.keep("session started: ")
                + self.plant_jwt("span attribute, JWT"),
            },
            "events": [{
                "name": "retry with " + self.plant("event name", credentials.slack_bot_token()),
                "attributes": {
                    "app.reason": self.keep("token was refused: ")
                    + self.plant("event attribute", credentials.slack_bot_token()),
                    "tls.client.key": self.plant_private_key("event attribute, PEM"),
                },
            }],
        }

    def database_span(self):
        connection = self.plant("span attribute, connection string", credentials.password())
        exception = self.plant("exception message", credentials.password())
        status = self.plant("status description", credentials.password())
        return {
            "name": "SELECT shop.orders",
            "attributes": {
                "db.connection_string":
                    f"postgresql://app:{connection}@db.example:5432/shop?sslmode=require",
            },
            "exception": self.keep("could not connect to ")
            + f"postgres://app:{exception}@db.example:5432/shop",
            "status": self.keep("cannot log in with host=db.example user=app ")
            + f"password={status} dbname=shop",
        }

    def agent_span(self):
        key = "span attribute, JSON in JSON"
        call = {
            "name": "http_get",
            "arguments": json.dumps({
                "url": "https://api.example/v1/orders",
                "api_key": self.plant(key, credentials.opaque_token()),
                "max_tokens": 1024,
            }),
        }
        prompt = [{"role": "user", "content": "clone it with\n"
                   + self.plant("span attribute, JSON", credentials.github_pat())}]
        aws = self.plant("span attribute, environment", credentials.aws_secret_access_key())
        return {
            "name": "execute_tool "
            + self.plant("span name", credentials.github_pat()),
            "attributes": {
                **self.as_json("gen_ai.tool.call.arguments", call),
                **self.as_json("gen_ai.input.messages", prompt),
                # The key id is not a secret by itself: it may stay or go.
                "process.environment":
                    f"AWS_ACCESS_KEY_ID={credentials.aws_access_key_id()}\n"
                    f"AWS_SECRET_ACCESS_KEY={aws}\nLANG=C",
            },
            "links": [{
                "attributes": {
                    "app.cause": self.plant("link attribute", credentials.slack_bot_token()),
                },
                "trace_state": "vendor=" + self.plant("link trace state", credentials.github_pat()),
            }],
        }

    def log_records(self):
        return [
            {
                "body": "password reset mail sent; the token expires in 15 minutes",
                "severity": "INFO",
                "attributes": self.look_alike({
                    "session.id": str(uuid.uuid4()),
                    "app.next": "Bearer authentication is required",
                }),
            },
            {
                "body": self.keep("push failed for tenant blue: ")
                + self.plant("log body", credentials.github_pat()),
                "severity": "ERROR",
                "attributes": {
                    "app.dump": "database:\n  user: app\n  password: "
                    + self.plant("log attribute, YAML", credentials.password()) + "\n",
                    "app.header": "X-Forwarded-For: 192.0.2.7\nAuthorization: Bearer "
                    + self.plant("log attribute, header line", credentials.opaque_token()),
                },
            },
            {
                "body": {
                    "user": "ada",
                    "password": self.plant("log body, map", credentials.password()),
                    "attempts": 3,
                    "request": {
                        "headers": {
                            "authorization": [
                                "Bearer " + self.plant("log body, list", credentials.opaque_token()),
                            ],
                        },
                        "notes": [
                            "first try",
                            "second try with "
                            + self.plant("log body, nested", credentials.slack_bot_token()),
                        ],
                    },
                },
                "severity": "WARN",
                "attributes": {},
            },
            {
                "body": json.dumps({
                    "event": "login",
                    "client_secret": self.plant("log body, JSON", credentials.opaque_token()),
                }),
                "severity": "INFO",
                "attributes": {},
            },
            {
                "body": {"$text_as_bytes": json.dumps({
                    "event": "webhook",
                    "note": "signed with "
                    + self.plant("log body, bytes", credentials.github_pat()),
                })},
                "severity": "INFO",
                "attributes": {},
            },
            {
                "body": "see the name of the event and of the severity",
                "severity": "FATAL " + self.plant("severity text", credentials.github_pat()),
                "event_name": "login." + self.plant("event name of a log", credentials.github_pat()),
                "attributes": {},
            },
        ]

    def metrics(self):
        password = self.plant("metric attribute, URL", credentials.password())
        exemplar = self.plant("exemplar", credentials.opaque_token())
        return [
            {
                "name": "shop.requests",
                "kind": "counter",
                "unit": "{request}",
                "description": "Requests, first seen with "
                + self.plant("metric description", credentials.slack_bot_token()),
                "points": [
                    {"value": 3, "attributes": {
                        "url.full": f"https://deploy:{password}@git.example/shop.git",
                    }},
                    {"value": 5, "attributes": self.look_alike({
                        "http.route": "/v1/tokens/{token_id}", "error.type": "token_expired",
                    })},
                ],
            },
            {
                "name": "gen_ai.client.token.usage",
                "kind": "histogram",
                "unit": "{token}",
                "description": "Tokens by type",
                "points": [{"value": 977, "attributes": {"gen_ai.request.model": "gpt-4o"}}],
            },
            {
                "name": "shop.exemplified",
                "kind": "histogram",
                "unit": "ms",
                "description": "Only http.route is kept; the rest goes to the exemplars",
                "keep_attributes": ["http.route"],
                "points": [{"value": 12, "attributes": {
                    "http.route": "/cart",
                    "http.request.header.authorization": ["Bearer " + exemplar],
                }}],
            },
        ]

    def counts(self):
        """How many spans, log records and data points there are."""
        points = sum(len(metric["points"]) for metric in self.description["metrics"])
        return {
            "traces": len(self.description["spans"]),
            "logs": len(self.description["log_records"]),
            "metrics": points,
        }

    def attribute_keys(self):
        """The keys of all attributes: a mask hides a value, not that there was one."""
        keys = set(self.description["resource"])
        pending = [*self.description["spans"], *self.description["log_records"],
                   *self.description["metrics"]]
        while pending:
            owner = pending.pop()
            keys.update(owner.get("attributes", {}))
            for inside in ("events", "links", "points"):
                pending.extend(owner.get(inside, []))
        return keys
