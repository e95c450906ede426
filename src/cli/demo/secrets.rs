//! What the demo's application says, and which parts of it are secret.
//!
//! Every credential is made when the demo runs: none stands in the source, and none
//! opens anything.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::hash::Hasher;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const DIGITS: &str = "0123456789";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";

/// Where a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli::demo) enum Field {
    /// An attribute of the span.
    Span,
    /// An attribute of the span's event.
    Event,
    /// The message of the span's status.
    Status,
    /// The body of the log record.
    Body,
    /// An attribute of the log record.
    Log,
}

/// One text that is sent.
#[derive(Debug)]
pub(in crate::cli::demo) struct Text {
    /// Where.
    pub(in crate::cli::demo) field: Field,
    /// Under which key, where there is one.
    pub(in crate::cli::demo) key: &'static str,
    /// The elements of an array, or the only value.
    pub(in crate::cli::demo) values: Vec<String>,
    /// The parts that must not arrive. None: it must arrive as it is.
    pub(in crate::cli::demo) secrets: Vec<String>,
}

/// All that is sent.
#[derive(Debug)]
pub(in crate::cli::demo) struct Story {
    /// In the order in which it is shown.
    pub(in crate::cli::demo) texts: Vec<Text>,
}

impl Story {
    /// An agent that calls a model, a database and a tool, and logs what goes wrong.
    pub(in crate::cli::demo) fn new() -> Self {
        let dice = &mut Dice::new();
        let github = github_token(dice);
        let (aws_id, aws_secret) = (dice.draw("AKIA", &[UPPER, "234567"], 16), aws_secret(dice));
        let database = dice.draw("", &[LOWER, UPPER, DIGITS], 16);
        let gitlab = dice.draw("glpat-", &[LOWER, UPPER, DIGITS], 20);
        let query = dice.draw("", &[LOWER, DIGITS], 40);
        let jwt = jwt(dice);
        let cookie = dice.draw("", &[LOWER, UPPER, DIGITS], 32);
        let (pem, pem_body) = private_key(dice);
        let slack = slack_token(dice);
        let commit = dice.draw("", &["0123456789abcdef"], 40);
        let prompt = format!(
            r#"[{{"role":"user","parts":[{{"type":"text","content":"deploy it with\nexport AWS_ACCESS_KEY_ID={aws_id}\nexport AWS_SECRET_ACCESS_KEY={aws_secret}"}}]}}]"#
        );
        let texts = vec![
            text(Field::Span, "gen_ai.request.model", &["example-large-2"], &[]),
            text(Field::Span, "gen_ai.usage.input_tokens", &["1234"], &[]),
            text(Field::Span, "vcs.ref.head.revision", &[&commit], &[]),
            text(
                Field::Span,
                "http.request.header.authorization",
                &[&format!("Bearer {github}")],
                &[&github],
            ),
            text(Field::Span, "gen_ai.input.messages", &[&prompt], &[&aws_id, &aws_secret]),
            text(
                Field::Span,
                "db.connection_string",
                &[&format!("postgresql://orders:{database}@db.internal:5432/orders")],
                &[&database],
            ),
            text(
                Field::Span,
                "process.command_args",
                &["deploy", "--token", &gitlab, "--region", "eu-west-1"],
                &[&gitlab],
            ),
            text(Field::Event, "gen_ai.tool.call.result", &[&pem], &[&pem_body]),
            text(
                Field::Status,
                "",
                &[&format!("401 from https://api.example.com/v2/items?api_key={query}&page=2")],
                &[&query],
            ),
            text(Field::Body, "", &[&format!("login failed, retrying with {jwt}")], &[&jwt]),
            text(
                Field::Log,
                "http.request.header.cookie",
                &[&format!("theme=dark; session={cookie}")],
                &[&cookie],
            ),
            text(Field::Log, "notify", &[&format!("slack via {slack} in #deploys")], &[&slack]),
            text(Field::Log, "exception.type", &["LoginError"], &[]),
        ];
        Self { texts }
    }

    /// The texts of one place.
    pub(in crate::cli::demo) fn of(&self, field: Field) -> impl Iterator<Item = &Text> {
        self.texts.iter().filter(move |text| text.field == field)
    }
}

fn text(field: Field, key: &'static str, values: &[&str], secrets: &[&str]) -> Text {
    let own = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    Text { field, key, values: own(values), secrets: own(secrets) }
}

/// A GitHub token: 30 random characters and six of their CRC-32, as GitHub documents
/// its format.
fn github_token(dice: &mut Dice) -> String {
    let random = dice.draw("", &[DIGITS, UPPER, LOWER], 30);
    let alphabet: Vec<char> = [DIGITS, UPPER, LOWER].concat().chars().collect();
    let mut rest = crc32fast::hash(random.as_bytes()) as usize;
    let mut checksum: Vec<char> = Vec::new();
    for _ in 0..6 {
        checksum.extend(alphabet.get(rest % alphabet.len()));
        rest /= alphabet.len();
    }
    let checksum: String = checksum.into_iter().rev().collect();
    format!("{}_{random}{checksum}", "ghp")
}

/// Forty characters of base64, a slash and a plus among them as in most.
fn aws_secret(dice: &mut Dice) -> String {
    let draw = |dice: &mut Dice, count| dice.draw("", &[UPPER, LOWER, DIGITS], count);
    format!("{}/{}+{}", draw(dice, 18), draw(dice, 10), draw(dice, 10))
}

fn slack_token(dice: &mut Dice) -> String {
    let (team, bot) = (dice.draw("1", &[DIGITS], 11), dice.draw("2", &[DIGITS], 12));
    format!("{}b-{team}-{bot}-{}", "xox", dice.draw("", &[UPPER, LOWER, DIGITS], 24))
}

fn jwt(dice: &mut Dice) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let subject = dice.draw("user-", &[DIGITS], 6);
    let payload = URL_SAFE_NO_PAD.encode(format!(r#"{{"sub":"{subject}","iat":1767225600}}"#));
    let signature = URL_SAFE_NO_PAD.encode(dice.draw("", &[UPPER, LOWER, DIGITS], 32));
    format!("{header}.{payload}.{signature}")
}

/// A block that looks like a private key, and its middle line.
fn private_key(dice: &mut Dice) -> (String, String) {
    let mut lines: Vec<String> =
        (0..4).map(|_| STANDARD.encode(dice.draw("", &[UPPER, LOWER, DIGITS], 48))).collect();
    if let Some(first) = lines.first_mut() {
        first.replace_range(..8, "MIIEowIB");
    }
    let middle = lines.get(1).cloned().unwrap_or_default();
    let kind = "PRIVATE KEY-----";
    (format!("-----BEGIN RSA {kind}\n{}\n-----END RSA {kind}\n", lines.join("\n")), middle)
}

/// Randomness enough for what opens nothing.
struct Dice(u64);

impl Dice {
    fn new() -> Self {
        Self(RandomState::new().build_hasher().finish() | 1)
    }

    /// `prefix` and `count` characters, drawn from each alphabet in turn at first, so
    /// that all of them occur.
    fn draw(&mut self, prefix: &str, alphabets: &[&str], count: usize) -> String {
        let all: Vec<char> = alphabets.concat().chars().collect();
        let mut text = prefix.to_owned();
        for at in 0..count {
            let own = alphabets.get(at).map(|alphabet| alphabet.chars().collect::<Vec<_>>());
            let alphabet = own.as_ref().unwrap_or(&all);
            let roll = usize::try_from(self.roll() % 65_536).unwrap_or_default();
            text.extend(alphabet.get(roll % alphabet.len().max(1)));
        }
        text
    }

    /// Xorshift64* (Vigna, 2016).
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }
}
