//! Settings, commands and sentences within encodings within other texts: what is secret is
//! found, and what is around it stays what it was.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use otel_redact::scrub::rule::template;
use serde_json::Value;
use serde_json::json;

use crate::detect::SCRUBBER;

/// Texts with a secret (`@`), and with siblings that stay.
const TEXTS: [&str; 12] = [
    "login failed user=bob password=@ retries=3",
    r#"{"id": 17, "db": {"host": "pg", "password": "@"}, "tags": ["a"]}"#,
    "the password is @ and the port is 22",
    "NODE_ENV=production\nDB_PASSWORD=@\nPORT=3000\n",
    "server:\n  port: 8080\ndatabase:\n  password: @\n  pool: 10\n",
    "machine api.example.com login bob password @",
    "curl -s -u 'bob:@' https://api.example.com/v1/x -o out.json",
    "[db]\nuser = \"app\"\npassword = \"@\"\nport = 5432\n",
    "CREATE USER app WITH PASSWORD '@' VALID UNTIL 'infinity'",
    "postgres://app:@@pg.internal:5432/orders?sslmode=require",
    "using sshpass -p @ ssh root@10.0.0.8 uptime",
    r#"{"headers": [{"name": "X-Api-Key", "value": "@"}, {"name": "Accept", "value": "*/*"}]}"#,
];

/// Each text with a secret in it, and that secret.
fn texts() -> impl Iterator<Item = (String, String)> {
    TEXTS.iter().zip(1..).map(|(text, seed)| {
        let secret = template::expand("copper{digits:4}{base62:9}", seed).expect("sound");
        (text.replacen('@', &secret, 1), secret)
    })
}

/// Text in a URL: `kept` are the signs that stay as they are.
fn percent(text: &[u8], kept: &[u8]) -> String {
    let escaped = |byte: &u8| match byte {
        byte if byte.is_ascii_alphanumeric() || kept.contains(byte) => char::from(*byte).into(),
        byte => format!("%{byte:02X}"),
    };
    text.iter().map(escaped).collect()
}

fn unpercent(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        let hex = behind.get(..2).filter(|_| byte == b'%');
        let said = hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        bytes.push(said.unwrap_or(byte));
        rest = if said.is_some() { &behind[2..] } else { behind };
    }
    String::from_utf8(bytes).expect("UTF-8")
}

fn form(text: &str) -> String {
    percent(text.as_bytes(), b" -._*").replace(' ', "+")
}

fn each(text: &str, escape: impl Fn(u8) -> String) -> String {
    text.bytes()
        .map(|byte| match byte {
            byte if byte.is_ascii_alphanumeric() => char::from(byte).into(),
            byte => escape(byte),
        })
        .collect()
}

fn lines(text: &str, width: usize, between: &str) -> String {
    let chunks: Vec<_> = text.as_bytes().chunks(width).collect();
    let lines = chunks.into_iter().map(|line| std::str::from_utf8(line).expect("ASCII"));
    lines.collect::<Vec<_>>().join(between)
}

/// What base64 says, whatever stands between its lines.
fn base64_says(text: &str) -> String {
    let run: String =
        text.chars().filter(|c| c.is_ascii_alphanumeric() || "+/=".contains(*c)).collect();
    let bytes = STANDARD.decode(run.as_bytes());
    String::from_utf8_lossy(&bytes.unwrap_or_else(|_| panic!("base64: {text}"))).into_owned()
}

/// What stands between two texts after the scrubber saw them.
fn between(front: &str, written: &str, back: &str) -> String {
    let scrubbed = SCRUBBER.scrub_text(&[front, written, back].concat());
    let inner = scrubbed.strip_prefix(front).and_then(|rest| rest.strip_suffix(back));
    inner.unwrap_or_else(|| panic!("what is around it changed: {scrubbed}")).to_owned()
}

/// Whether a text is the original, but for its secret.
fn assert_masked(said: &str, original: &str, secret: &str, how: &str) {
    assert!(!said.contains(secret), "{how}: {said}");
    let (front, back) = original.split_once(secret).expect("it has a secret");
    // Behind a flag or a key, the blank or the quote before the value may go with it.
    let front = front.trim_end_matches([' ', '"', '\'']);
    let back = back.trim_start_matches([' ', '"', '\'']);
    assert!(said.starts_with(front), "{how}: {said}");
    assert!(said.trim_end().ends_with(back.trim_end()), "{how}: {said}");
}

#[test]
fn a_plus_in_a_form_is_the_blank_that_it_says() {
    for (text, secret) in texts().filter(|(text, _)| !text.starts_with("machine")) {
        let said = between("user=bob&note=", &form(&text), "&ok=1");
        assert!(!said.contains(' ') && !said.contains('['), "{said}");
        assert_masked(&unpercent(&said.replace('+', " ")), &text, &secret, "form");
    }
    // Clean ones.
    for text in [
        "q=how+to+reset+a+password+in+linux&lang=en%2DUS",
        "name=John+Doe&comment=The+token+count+is+4096+and+it+is+fine%2C+thanks&token_count=4096",
        "utf8=%E2%9C%93&commit=Sign+in+to+the+password+manager",
    ] {
        assert_eq!(SCRUBBER.scrub_text(text), text);
    }
}

#[test]
fn base64_is_read_wherever_it_begins_and_ends() {
    for (text, secret) in texts() {
        let run = STANDARD.encode(&text);
        let wide = lines(&run, 76, "\r\n");
        for (front, written, back) in [
            ("\u{1b}[32m", run.as_str(), "\u{1b}[0m"),
            ("\u{1b}[38;5;1m", &run, "\u{1b}[0m and more"),
            ("a: 1\\u003d", &run, "\\u000a"),
            ("<34>1 host app - #012", &run, "#012"),
            ("--XbQ1\r\nContent-Type: text/plain\r\n\r\n", &wide, "\r\n--XbQ1--\r\n"),
            ("1a4\r\n", &wide, "\r\n0\r\n\r\n"),
        ] {
            let said = base64_says(&between(front, written, back));
            assert_masked(&said, &text, &secret, front);
        }
        let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        let said = between("\u{1b}[32m", &hex, "\u{1b}[0m");
        assert!(said.bytes().all(|byte| byte.is_ascii_hexdigit()) && said != hex, "{said}");
        // UTF-16 behind its mark, the slash in front as it is, and as an escape.
        let units: Vec<u8> =
            format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_be_bytes).collect();
        for written in [STANDARD.encode(&units), percent(STANDARD.encode(&units).as_bytes(), b"")] {
            let said = unpercent(&between("next=", &written, " ok"));
            let said = STANDARD.decode(&said).unwrap_or_else(|_| panic!("base64: {said}"));
            let said: Vec<u8> =
                said.into_iter().filter(|byte| !matches!(byte, 0 | 0xfe | 0xff)).collect();
            assert_masked(&String::from_utf8_lossy(&said), &text, &secret, "UTF-16");
        }
    }
}

/// A run that is encoded again has signs and line ends that are escapes around it.
#[test]
fn what_is_encoded_again_is_written_as_what_is_around_it() {
    for (text, secret) in texts().filter(|(text, _)| !text.contains("sshpass")) {
        let run = lines(&STANDARD.encode(text.repeat(3)), 64, "\n");
        let entities = each(&run, |byte| format!("&#{byte};"));
        let escapes = each(&run, |byte| format!("\\x{byte:02x}"));
        for (written, how) in [
            (percent(run.as_bytes(), b""), "a URL"),
            (form(&run), "a form"),
            (entities, "entities"),
            (escapes, "escapes"),
        ] {
            let json = json!({ "at": 7, "note": written, "ok": true }).to_string();
            let scrubbed = SCRUBBER.scrub_text(&json);
            let value: Value = serde_json::from_str(&scrubbed).expect("it is JSON still");
            let note = value["note"].as_str().expect("a text");
            assert_eq!(value["ok"], true);
            let said = match how {
                "a URL" | "a form" => unpercent(note),
                "entities" => note
                    .replace("&#10;", "")
                    .replace("&#43;", "+")
                    .replace("&#47;", "/")
                    .replace("&#61;", "="),
                _ => note
                    .replace(r"\x0a", "")
                    .replace(r"\x2b", "+")
                    .replace(r"\x2f", "/")
                    .replace(r"\x3d", "="),
            };
            let is_url = how.starts_with("a ");
            assert!(!(note.contains('\n') || is_url && note.contains(['+', '='])), "{how}: {note}");
            let said = base64_says(&said);
            assert!(!said.contains(&secret), "{how}: {said}");
            assert_eq!(said.matches("redacted:").count(), 3, "{how}: {said}");
        }
    }
}

#[test]
fn quotes_in_strings_of_shells_and_tables_are_read() {
    for (text, secret) in texts().filter(|(text, _)| text.starts_with("CREATE")) {
        let shell = text.replace('\'', r"'\''");
        let said = between("sh -c '", &shell, "'").replace(r"'\''", "'");
        assert_masked(&said, &text, &secret, "a shell");
        let shell = text.replace('\'', r#"'"'"'"#);
        let said = between("sh -c '", &shell, "'").replace(r#"'"'"'"#, "'");
        assert_masked(&said, &text, &secret, "a shell");
    }
    let secret = template::expand("{base62:24}", 3).expect("sound");
    for (front, text, back) in [
        (
            "id,doc\n7,\"{\"\"host\"\": \"\"pg\"\", \"\"secret\"\": \"\"",
            secret.as_str(),
            "\"\"}\",1\n",
        ),
        ("VALUES (7, '{''user'': ''bob'', ''password'': ''", &secret, "'', ''n'': 1}')"),
    ] {
        let said = between(front, text, back);
        assert!(!said.contains(&secret), "{said}");
    }
    for text in [
        "id,doc\n7,\"{\"\"token_type\"\": \"\"bearer\"\", \"\"max_tokens\"\": 4096}\"\n",
        "sh -c 'echo '\\''hello world'\\'' && ls -la /var/log/token.log'",
        r#"{"password":"","token":"","secret":"","a":["",""],"b":""}"#,
    ] {
        assert_eq!(SCRUBBER.scrub_text(text), text);
    }
}

#[test]
fn quoted_printable_is_read_and_what_only_looks_like_it_stays() {
    let secret = template::expand("copper{digits:4}{base62:9}", 5).expect("sound");
    for (front, back) in [
        ("[db]\nuser =3D app\npassword =3D ", "\nport =3D 5432\n"),
        ("export API_TOKEN=3D\"", "\"\nexport STAGE=3Dprod\n"),
        ("<add key=3D\"x\" password=3D\"", "\" timeout=3D\"30\"/>"),
    ] {
        let said = SCRUBBER.scrub_text(&[front, &secret, back].concat());
        assert!(!said.contains(&secret) && said.ends_with(back), "{said}");
    }
    for text in [
        "golang.org/x/sys v0.1.0/go.mod h1:peI1Y254TiAhMap8K9g6XZ3iQ5RNRYMbp91d5eSDluI=\n\
         queue=password-reset-emails depth=69502\n",
        "<td width=3D\"100\" class=3D\"total\">Sum</td><td style=3D\"color: red\">12</td>",
    ] {
        assert_eq!(SCRUBBER.scrub_text(text), text);
    }
}

#[test]
fn lists_of_bytes_and_escapes_in_octal_are_read() {
    for (text, secret) in texts() {
        let list = text.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(",");
        let buffer = format!("{{\"type\":\"Buffer\",\"data\":[{list}]}}");
        for depth in 0..3 {
            let nested =
                (0..depth).fold(buffer.clone(), |text, _| json!({ "at": text }).to_string());
            let scrubbed = SCRUBBER.scrub_text(&nested);
            assert!(!scrubbed.contains(&list), "depth {depth}: {scrubbed}");
            serde_json::from_str::<Value>(&scrubbed).expect("it is JSON still");
        }
        let said = SCRUBBER.scrub_text(&each(&text, |byte| format!("\\{byte:03o}")));
        assert!(!said.contains(&secret), "octal: {said}");
    }
    let token = template::expand("glpat-{base62:20}", 2).expect("sound");
    for (front, back) in [("calling\\040upstream\\040with\\040", "\\040for"), ("a#012", "#012b")] {
        let said = between(front, &token, back);
        assert!(!said.contains(&token), "{said}");
    }
}

/// An attribute holds a document as a string, as secret stores give it.
#[test]
fn a_document_under_a_telling_name_is_looked_into() {
    let secret = template::expand("{hex-lower:32}", 9).expect("sound");
    let document = format!(r#"{{"at": 7, "note": "{secret}", "ok": true}}"#);
    for key in ["client_secret", "signing_key", "credentials", "kms_key"] {
        let (said, _) = SCRUBBER.scrub_bytes(document.as_bytes(), Some(key));
        let said = String::from_utf8(said).expect("UTF-8");
        let value: Value = serde_json::from_str(&said).expect("it is JSON still");
        assert_eq!((&value["at"], &value["ok"]), (&json!(7), &json!(true)));
        assert!(!said.contains(&secret), "{key}: {said}");
    }
    for document in
        [r#"{"from": "vault", "path": "kv/app/client", "version": 3}"#, r#"{"type": "none"}"#]
    {
        let (said, _) = SCRUBBER.scrub_bytes(document.as_bytes(), Some("client_secret"));
        assert_eq!(said, document.as_bytes());
    }
}

#[test]
fn padding_at_the_end_of_a_line_says_not_that_it_goes_on() {
    for seed in 0..8 {
        let login = template::expand("svc:login failed of {base62:18} in {digits:5}", seed);
        let mut login = login.expect("sound");
        while login.len() % 3 != 2 {
            login.push('x');
        }
        let run = STANDARD.encode(login);
        let said = between("Authorization: Basic ", &run, "\nworker 3 finished");
        assert_ne!(said, run);
    }
}
