"""One leaking conversation under several instrumentations of agents.

Each holds it twice, with the same credentials. First it sends to a backend without
a gateway: there every credential must be found, or it was never said. What stands
there under keys that are no content (counts, models, ids, reasons) is what must
arrive, value for value, when it sends through the gateway, and no credential with it.
"""

import json
import re
import subprocess
from pathlib import Path

import check
import credentials
import gateway
from gateway import Upstream
from llm import Model
from sink import Sink

HERE = Path(__file__).resolve().parent
BUILD = HERE / ".build"
CLIENT_SECONDS_MAX = 60
PYTHON = [str(BUILD / "agents-python/bin/python"), str(HERE / "agents/client.py")]
NODE = ["node", str(BUILD / "agents-javascript/client.mjs")]
AGENTS = {
    "agents-openai-v2": [*PYTHON, "openai-v2"],
    "agents-openai-v2-events": [*PYTHON, "openai-v2-events"],
    "agents-openinference": [*PYTHON, "openinference"],
    "agents-traceloop": [*PYTHON, "traceloop"],
    "agents-vercel-ai": [*NODE, "vercel-ai"],
}
# Keys whose values are measured or chosen by machines, not said by anyone. What
# names or times the run itself differs from run to run.
MACHINE_KEY = re.compile(
    r"^(?=.*\.).*(token|usage|model|finish|response\.id|system|provider|operation|span\.kind|"
    r"cost|temperature|fingerprint|tool_call.*\.id$|call\.id|request\.type|stream|mime_type)"
)
MACHINE_VALUES_MIN = 8


class Talk:
    """The conversation, and the credentials in it."""

    def __init__(self, model):
        self.secrets = {
            "system prompt": credentials.opaque_token(),
            "prompt, environment": credentials.aws_secret_access_key(),
            "prompt, URL": credentials.password(),
            "tool call": credentials.github_pat(),
            "tool call, JSON in JSON": credentials.password(),
            "tool result": credentials.slack_bot_token(),
            "answer": credentials.jwt()[1],
        }
        key, lines = credentials.private_key()
        self.secrets |= {"tool result, key": lines[5]}
        secret = self.secrets
        arguments = {
            "repository": "orders", "token": secret["tool call"],
            "body": json.dumps({"user": "app", "password": secret["tool call, JSON in JSON"]}),
        }
        self.call = {"id": "call_Zq81LmExample", "type": "function",
                     "function": {"name": "deploy", "arguments": json.dumps(arguments)}}
        header = credentials.jwt()[0].split(".")[0]
        self.answer = f"It runs. Log in with {header}.{secret['answer']} until tomorrow."
        parameters = {"type": "object", "properties": {
            "repository": {"type": "string"}, "token": {"type": "string"},
            "body": {"type": "string"}}}
        self.description = {
            "model": model, "api_key": credentials.opaque_token(),
            "messages": [
                {"role": "system",
                 "content": f"You deploy. The service key is api_key={secret['system prompt']}."},
                {"role": "user", "content": "Deploy with\nexport AWS_SECRET_ACCESS_KEY="
                 f"{secret['prompt, environment']}\nand the database "
                 f"postgres://app:{secret['prompt, URL']}@db:5432/orders"},
            ],
            "tools": [{"type": "function", "function": {
                "name": "deploy", "description": "Deploys.", "parameters": parameters}}],
            "result": json.dumps({"ok": True, "slack": secret["tool result"], "key": key}),
        }


def run(command, binary, folder):
    """Returns the faults of one instrumentation."""
    talk = Talk("gpt-5.2-2026-01-15")
    with Model(talk.description["model"], talk.call, talk.answer) as model, Sink() as sink:
        description = Path(folder, "conversation.json")
        description.write_text(json.dumps({**talk.description, "base_url": model.base_url}))
        hold(command, sink.http_port, description)
        said = check.Received(sink.requests)
        sink.requests = []
        upstream = Upstream("otlp_http", sink.http_port)
        with gateway.redacting(binary, folder, upstream) as process:
            hold(command, process.http_port, description)
        arrived = check.Received(sink.requests)
    faults = [f"never said: {place}" for place, secret in talk.secrets.items()
              if not said.leaks(secret)]
    faults += [f"leaked: {place}" for place, secret in talk.secrets.items()
               if arrived.leaks(secret)]
    log = process.log.read_text("utf-8", "replace")
    faults += [f"in the gateway's own log: {place}" for place, secret in talk.secrets.items()
               if secret in log]
    if said.counts() != arrived.counts():
        faults.append(f"{arrived.counts()} arrived of {said.counts()}")
    before, after = machine_values(said), machine_values(arrived)
    if len(before) < MACHINE_VALUES_MIN:
        faults.append(f"only {len(before)} counts, models and ids were sent")
    faults += [f"altered: {key} {value!r}" for key, value in sorted(before - after)]
    return faults + broken(said, arrived)


def hold(command, port, description):
    """Runs the agent once."""
    client = subprocess.run(
        [*command, f"http://127.0.0.1:{port}", str(description)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=CLIENT_SECONDS_MAX, check=False,
    )
    if client.returncode != 0:
        raise AssertionError(f"the agent ended with {client.returncode}:\n"
                             + client.stdout.decode("utf-8", "replace")[-2000:])


def machine_values(received):
    """The short values under keys that are no content."""
    values = set()
    for _, message in received.messages:
        for each in check.key_values(message):
            value = str(check.plain(each.value))
            if MACHINE_KEY.search(each.key) and len(value) < 60:
                values.add((each.key, value))
    return values


def broken(said, arrived):
    """JSON documents that were whole and are not any more."""
    def documents(received):
        texts = (each.value.string_value for _, message in received.messages
                 for each in check.key_values(message))
        return sum(text[:1] in ("{", "[") and check.is_json_throughout(text) for text in texts)

    before, after = documents(said), documents(arrived)
    return [f"{before - after} JSON texts broken"] if after < before else []
