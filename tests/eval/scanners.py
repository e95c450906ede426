"""The programs that are compared, behind one function each.

Each takes texts and says, for each: what is left of it (for a program that rewrites),
or the strings that it reports (for one that only reports).
"""

import json
import subprocess
import tempfile


def otel_redact(binary, texts):
    """Each text as a log record of its own through `otel-redact scrub`."""
    def request(text):
        value = {"stringValue": text["text"]}
        record = {"body": value}
        if text["key"] is not None:
            record = {"attributes": [{"key": text["key"], "value": value}]}
        return json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]})

    lines = "".join(request(text) + "\n" for text in texts)
    done = subprocess.run([binary, "scrub", "--format", "otlp-json"], input=lines.encode(),
                          stdout=subprocess.PIPE, check=True)
    left = []
    for line in done.stdout.decode().splitlines():
        (record,) = json.loads(line)["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
        value = record["body"] if "body" in record else record["attributes"][0]["value"]
        left.append(value["stringValue"])
    assert len(left) == len(texts)
    return left


def _as_line(text):
    """An attribute as the line of a file: what a scanner is made for."""
    if text["key"] is None:
        return text["text"]
    return f'{text["key"]} = "{text["text"]}"'


def gitleaks(binary, texts):
    """Matches and secrets of gitleaks' default rules, as a library."""
    lines = "".join(json.dumps(_as_line(text)) + "\n" for text in texts)
    done = subprocess.run([binary], input=lines.encode(), stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=True)
    return [[part for finding in json.loads(line) for part in finding]
            for line in done.stdout.decode().splitlines()]


def detect_secrets(_, texts):
    """Secrets that detect-secrets reports, with its default plugins and filters.

    All texts stand in one file, for that is what it scans as people use it: given a
    single line, it reports every string.
    """
    from detect_secrets import SecretsCollection
    from detect_secrets.settings import default_settings

    owners = []
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8", newline="\n") as file:
        for number, text in enumerate(texts):
            lines = _as_line(text).splitlines() or [""]
            owners += [number] * len(lines)
            file.write("".join(line + "\n" for line in lines))
        file.flush()
        secrets = SecretsCollection()
        with default_settings():
            secrets.scan_file(file.name)
    reports = [[] for _ in texts]
    for _, secret in secrets:
        reports[owners[secret.line_number - 1]].append(secret.secret_value)
    return reports
