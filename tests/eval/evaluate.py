"""Measures what is caught and what is damaged, apart from the rules.

    evaluate.py --binary PATH [--gitleaks PATH] [--detect-secrets] [--held-out]
                [--seed N] [--clean N] [--sample N] [--failures N] [--markdown]

A credential is caught by otel-redact when no eight characters in a row of it can be
read in what is left (or not all of it, if it is shorter); by a scanner, when what it
reports covers it, plainly or in its encoding.

Texts are split by a hash of their class, credential and context. `--held-out` reports
the part that daily work does not look at.
"""

import argparse
import base64
import binascii
import collections
import gzip
import hashlib
import html
import json
import random
import re
import sys
import unicodedata
import urllib.parse

import clean
import scanners
import texts

WINDOW = 8
DEPTH_MAX = 4
CLASSES = ["anchored, plain", "anchored, encoded", "anchored, disguised", "keyed context",
           "assignment", "connection string"]
RUN = re.compile(r"[A-Za-z0-9+/_-]{12,}")
HEX_RUN = re.compile(r"(?:[0-9a-fA-F]{2}){6,}")
UNSEEN = re.compile("\x1b\\[[0-9;]*m|\u200b")


def held_out(text):
    name = "\0".join([text["class"], text["what"], text["context"]])
    return hashlib.sha256(name.encode()).digest()[0] % 3 == 0


def undone(text):
    """A text with each encoding undone by itself."""
    yield unicodedata.normalize("NFKC", UNSEEN.sub("", text))
    yield text.replace("\n", "")
    if "%" in text:
        yield urllib.parse.unquote(text, errors="replace")
    if "&" in text:
        yield html.unescape(text)
    if "\\" in text:
        coded = re.sub(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})",
                       lambda m: chr(int(m[1] or m[2], 16)), text)
        yield coded.replace("\\n", "\n").replace('\\"', '"').replace("\\\\", "\\")
    for run in RUN.findall(text):
        for skip in range(4):
            bare = run[skip:].replace("-", "+").replace("_", "/")
            bare = bare[:len(bare) - (len(bare) % 4 == 1)]
            try:
                decoded = base64.b64decode(bare + "=" * (-len(bare) % 4))
            except binascii.Error:
                continue
            if decoded[:2] == b"\x1f\x8b":
                try:
                    decoded = gzip.decompress(decoded)
                except (OSError, EOFError):
                    continue
            if decoded[1::2].count(0) * 4 > len(decoded):
                decoded = decoded[::2]
            yield decoded.decode("utf-8", "ignore")
    for run in HEX_RUN.findall(text):
        yield bytes.fromhex(run).decode("utf-8", "ignore")


def readings(text):
    seen, level = {text}, {text}
    for _ in range(DEPTH_MAX):
        level = {other for one in level for other in undone(one) if len(other) >= 4} - seen
        if len(seen) + len(level) > 400:
            break
        seen |= level
    return seen


def readable(text, left):
    everything = "\0".join(readings(left))
    outside = text["text"]
    for secret in text["secrets"]:
        outside = outside.replace(secret, "\0")
    for secret in text["secrets"]:
        if len(secret) < WINDOW:
            if secret in everything and secret not in outside:
                return True
            continue
        for at in range(len(secret) - WINDOW + 1):
            window = secret[at:at + WINDOW]
            if window in everything and window not in outside:
                return True
    return False


def covered(text, reported):
    """Whether what is reported covers every secret, plainly or in its encoding."""
    everything = "\0".join(reading for one in reported for reading in readings(one))
    return all(secret in everything for secret in text["secrets"])


def breaks_json(before, after):
    try:
        json.loads(before)
    except ValueError:
        return False
    try:
        json.loads(after)
    except ValueError:
        return True
    return False


def judge(name, outputs, all_texts):
    """For each text, what is wrong: `missed`, `damaged`, `hurt around`, `broken`."""
    wrong = []
    for text, output in zip(all_texts, outputs, strict=True):
        faults = set()
        if name == "otel-redact":
            if text["class"] == "clean":
                if output != text["text"]:
                    faults.add("damaged")
            elif readable(text, output):
                faults.add("missed")
            before, after = text["around"]
            if not (output.startswith(before) and output.endswith(after)):
                faults.add("hurt around")
            if breaks_json(text["text"], output):
                faults.add("broken")
        elif text["class"] == "clean":
            if output:
                faults.add("damaged")
        elif not covered(text, output):
            faults.add("missed")
        wrong.append(faults)
    return wrong


def main():
    options = argparse.ArgumentParser(description=__doc__,
                                      formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--binary", required=True)
    options.add_argument("--gitleaks")
    options.add_argument("--detect-secrets", action="store_true")
    options.add_argument("--held-out", action="store_true")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--clean", type=int, default=15000, help="clean texts before the split")
    options.add_argument("--sample", type=int, default=1, help="only every Nth text")
    options.add_argument("--failures", type=int, default=0, help="print this many of each class")
    options.add_argument("--floor", type=float, help="exit with 1 if less is caught, in percent")
    options = options.parse_args()

    dice = random.Random(options.seed)
    made = [*texts.secret_texts(dice), *clean.clean_texts(dice, options.clean)]
    chosen = [text for text in made if held_out(text) == options.held_out][::options.sample]
    programs = [("otel-redact", scanners.otel_redact, options.binary)]
    if options.gitleaks:
        programs.append(("gitleaks", scanners.gitleaks, options.gitleaks))
    if options.detect_secrets:
        programs.append(("detect-secrets", scanners.detect_secrets, None))

    results, outputs = {}, {}
    for name, scan, binary in programs:
        outputs[name] = scan(binary, chosen)
        results[name] = judge(name, outputs[name], chosen)
    table(results, chosen, options)
    show(outputs["otel-redact"], results["otel-redact"], chosen, options.failures)
    if options.floor is not None:
        secret = [faults for text, faults in zip(chosen, results["otel-redact"], strict=True)
                  if text["class"] != "clean"]
        caught = 100 * sum("missed" not in faults for faults in secret) / len(secret)
        if caught < options.floor:
            sys.exit(f"{caught:.1f} % caught, expected {options.floor} %")


def table(results, chosen, options):
    part = "held out" if options.held_out else "daily"
    print(f"| {part}, seed {options.seed} | texts | {' | '.join(results)} |")
    print("|---|--:|" + "--:|" * len(results))
    for kind in CLASSES:
        at = [i for i, text in enumerate(chosen) if text["class"] == kind]
        if at:
            cells = [f"{100 * sum('missed' not in wrong[i] for i in at) / len(at):.1f} %"
                     for wrong in results.values()]
            print(f"| caught: {kind} | {len(at)} | {' | '.join(cells)} |")
    at = [i for i, text in enumerate(chosen) if text["class"] == "clean"]
    cells = [f"{10000 * sum('damaged' in wrong[i] for i in at) / max(1, len(at)):.1f}"
             for wrong in results.values()]
    print(f"| clean texts damaged or reported, of 10,000 | {len(at)} | {' | '.join(cells)} |")
    for title, fault in (("texts hurt around a secret", "hurt around"), ("JSON broken", "broken")):
        cells = [str(sum(fault in faults for faults in wrong)) if name == "otel-redact" else "-"
                 for name, wrong in results.items()]
        print(f"| {title} | {len(chosen) - len(at) if fault != 'broken' else len(chosen)} "
              f"| {' | '.join(cells)} |")


def show(outputs, wrong, chosen, count):
    """What failed: how often by context, and examples (all made up)."""
    if not count:
        return
    failed = [(text, output, faults) for text, output, faults
              in zip(chosen, outputs, wrong, strict=True) if faults]
    for kind in [*CLASSES, "clean"]:
        own = [one for one in failed if one[0]["class"] == kind]
        by = "what" if kind == "clean" else "context"
        contexts = collections.Counter(text[by] for text, _, _ in own)
        print(f"\n{kind}: {len(own)} failed; {dict(contexts.most_common(12))}")
        for text, output, faults in own[::max(1, len(own) // count)][:count]:
            print(f"  {text['what']} in {text['context']}: {', '.join(sorted(faults))}, key {text['key']}")
            print(f"    {text['text'][:300]!r}\n    {output[:300]!r}")


if __name__ == "__main__":
    main()
