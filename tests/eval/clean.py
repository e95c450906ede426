"""Texts in which nothing is secret, and much looks so."""

import base64
import json

import shapes

HEX = shapes.ALPHABETS["hex-lower"]
B64 = shapes.ALPHABETS["base64"]
SERVICES = ["checkout", "cart", "billing", "search", "gateway", "mailer", "ledger", "auth-proxy"]
NOUNS = ["token", "password", "secret", "key", "credential", "session", "cookie", "certificate"]
VERBS = ["rotate", "validate", "refresh", "revoke", "parse", "count", "cache", "log"]
CODE = [
    "const {noun} = process.env.{NOUN};",
    "{noun} = os.environ['{NOUN}']",
    "def {verb}_{noun}(self, {noun}: str) -> None:",
    "if ({noun} == null) throw new IllegalArgumentException(\"{noun} must not be null\");",
    "func {verb}{Noun}(ctx context.Context, {noun} string) error {{",
    "self.{noun} = {noun}",
    "val {noun}: String = config.getString(\"{noun}.name\")",
    "export {NOUN}=$(vault read -field={noun} secret/app)",
    "{noun}: ${{{{ secrets.{NOUN} }}}}",
    "{noun}: <your-{noun}>",
    "{noun} = \"****\"",
    "await {verb}{Noun}(user.{noun}, options.{noun}Policy)",
    "SELECT id, {noun}_hash FROM users WHERE {noun}_id = $1",
    "raise ValueError('{noun} is required')",
    "type {Noun} struct {{ Name string; {Noun}Type string }}",
    "{noun}=\n",
    "{noun}: null",
    "{NOUN}=${{{NOUN}}}",
]
PROSE = [
    "Please {verb} the {noun} before Friday; the runbook says how.",
    "The user asked how to {verb} a {noun} and we pointed at the documentation.",
    "{n} {noun}s were processed in {ms} ms by {service}.",
    "Your {noun} has expired. Sign in again to continue.",
    "A {noun} policy of at least {n} characters applies to all accounts.",
    "{service}: could not {verb} {noun}: not found",
    "{service} finished {n} requests, {ms} ms on average, no errors",
    "The {noun} field accepts {n} characters at most.",
]


def _hex(random, count):
    return shapes.draw(random, HEX, count)


def _uuid(random):
    return "-".join(_hex(random, n) for n in (8, 4, 4, 4, 12))


def _word(random, templates):
    noun, verb = random.choice(NOUNS), random.choice(VERBS)
    return random.choice(templates).format(
        noun=noun, NOUN=noun.upper(), Noun=noun.title(), verb=verb, n=random.randint(1, 9999),
        ms=random.randint(1, 900), service=random.choice(SERVICES))


def _usage(random):
    return json.dumps({
        "model": random.choice(["gpt-5.2", "claude-sonnet-4-5", "gemini-3-pro", "llama-4"]),
        "usage": {"input_tokens": random.randint(1, 9999), "output_tokens": random.randint(1, 999),
                  "cache_read_input_tokens": 0, "total_tokens": random.randint(1, 9999)},
        "max_tokens": random.choice([256, 1024, None]), "finish_reason": "stop",
        "id": "chatcmpl-" + shapes.draw(random, shapes.BASE62, 29)})


def _certificate(random):
    body = "\n".join(shapes.draw(random, B64, 64) for _ in range(8))
    label = random.choice(["CERTIFICATE", "PUBLIC KEY"])
    return f"-----BEGIN {label}-----\nMII{body}\n-----END {label}-----"


def _kubernetes(random):
    pod = f"{random.choice(SERVICES)}-{_hex(random, 9)}-{shapes.draw(random, 'bcdfghjklmnpqrstvwxz', 5)}"
    return random.choice([
        f'Successfully pulled image "registry.example.net/{pod}:1.{random.randint(0, 99)}" in 1.2s',
        f'MountVolume.SetUp failed for volume "kube-api-access-{_hex(random, 5)}" : secret "tls" not found',
        f"Created container {pod}", f"Back-off restarting failed container in pod {pod}_default({_uuid(random)})",
        f'{{"kind":"Event","metadata":{{"name":"{pod}.{_hex(random, 16)}","uid":"{_uuid(random)}"}},"reason":"Scheduled"}}',
    ])


MAKERS = {
    "UUID": lambda r: (None, f"request {_uuid(r)} took {r.randint(1, 900)} ms"),
    "trace context": lambda r: ("traceparent", f"00-{_hex(r, 32)}-{_hex(r, 16)}-01"),
    "trace id": lambda r: (None, f'{{"trace_id":"{_hex(r, 32)}","span_id":"{_hex(r, 16)}"}}'),
    "git": lambda r: ("vcs.ref.head.revision", _hex(r, 40)),
    "commit": lambda r: (None, f"Merge commit {_hex(r, 40)} into main ({_hex(r, 7)})"),
    "digest": lambda r: (None, f"pulled registry.example.net/app@sha256:{_hex(r, 64)}"),
    "checksums": lambda r: (None, f"{_hex(r, 64)}  app-1.{r.randint(0, 9)}.tar.gz\n{_hex(r, 32)}  app.zip"),
    "ETag": lambda r: ("http.response.header.etag", f'W/"{_hex(r, 40)}"'),
    "lock file": lambda r: (None, f'"integrity": "sha512-{shapes.draw(r, B64, 86)}=="'),
    "go.sum": lambda r: (None, f"example.org/mod v1.{r.randint(0, 9)}.0 h1:{shapes.draw(r, B64, 43)}="),
    "Cargo.lock": lambda r: (None, f'checksum = "{_hex(r, 64)}"'),
    "image": lambda r: (None, "data:image/png;base64,iVBORw0KGgo" + shapes.draw(r, B64, 240)),
    "base64 prose": lambda r: (None, base64.b64encode(_word(r, PROSE).encode()).decode()),
    "ARN": lambda r: (None, f"arn:aws:iam::{r.randint(10**11, 10**12)}:role/{r.choice(SERVICES)}-task"),
    "certificate": lambda r: (None, _certificate(r)),
    "SSH public key": lambda r: (None, f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{shapes.draw(r, B64, 43)} a@b"),
    "usage": lambda r: (None, _usage(r)),
    "usage attribute": lambda r: ("gen_ai.usage.input_tokens", str(r.randint(1, 9999))),
    "page": lambda r: (None, f'{{"items":[],"nextPageToken":"","page_size":{r.randint(1, 99)}}}'),
    "keys of tables": lambda r: (None, f"duplicate key value violates unique constraint \"users_pkey\" (id)=({r.randint(1, 9999)})"),
    "source code": lambda r: (None, _word(r, CODE)),
    "prose": lambda r: (None, _word(r, PROSE)),
    "Kubernetes": lambda r: (None, _kubernetes(r)),
    "access log": lambda r: (None, f'10.0.{r.randint(0, 255)}.7 - - [01/Mar/2026:10:00:00 +0000] "GET /v1/{r.choice(SERVICES)}/{r.randint(1, 9999)}?page=2&sort=asc HTTP/1.1" 200 {r.randint(1, 99999)}'),
    "user agent": lambda r: ("user_agent.original", f"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/{r.randint(100, 150)}.0.0.0"),
    "URL": lambda r: ("url.full", f"https://shop.example.net/p/{r.randint(1, 9**9)}/{r.choice(SERVICES)}?utm_source=mail&ref={_hex(r, 8)}"),
    "S3 key": lambda r: ("aws.s3.key", f"logs/2026/03/01/{_uuid(r)}.json.gz"),
    "session id": lambda r: ("session.id", _uuid(r)),
    "tool call": lambda r: (None, f'{{"id":"call_{shapes.draw(r, shapes.BASE62, 24)}","type":"function","function":{{"name":"get_weather","arguments":"{{\\"city\\":\\"Paris\\"}}"}}}}'),
    "stack trace": lambda r: (None, f"java.lang.IllegalStateException: {_word(r, PROSE)}\n\tat com.example.{r.choice(SERVICES).replace('-', '')}.TokenFilter.doFilter(TokenFilter.java:{r.randint(1, 400)})"),
    "SQL": lambda r: ("db.query.text", f"UPDATE sessions SET token_count = ?, password_changed_at = now() WHERE id = {r.randint(1, 9999)}"),
    "placeholder": lambda r: (r.choice(["password", "api_key", "authorization"]), r.choice(["${SECRET}", "<redacted>", "****", "", "null", "required", "{{ token }}"])),
    "flags": lambda r: (None, f"--max-tokens {r.randint(1, 999)} --token-limit=5 --key-file /etc/app/tls.key --password-stdin"),
    "phone and date": lambda r: (None, f"call +49 30 {r.randint(10**6, 10**7)} before 2026-0{r.randint(1, 9)}-1{r.randint(0, 9)}T10:00:00Z"),
    "number": lambda r: (None, f"order {r.randint(10**11, 10**12)} paid, total {r.random() * 1000:.2f} EUR"),
    "identifiers": lambda r: (None, f"com.example.{r.choice(SERVICES)}.{r.choice(NOUNS).title()}RepositoryImplFactoryBean#{r.choice(VERBS)}{r.choice(NOUNS).title()}"),
}


def clean_texts(random, count):
    """`count` texts, of each kind as many."""
    names = sorted(MAKERS)
    for number in range(count):
        name = names[number % len(names)]
        key, text = MAKERS[name](random)
        yield {"class": "clean", "what": name, "context": str(number), "text": text, "key": key,
               "secrets": [], "around": ["", ""]}
