//! Encodings that hide text: what they say, and where each piece of it came from.

mod binary;
mod disguise;
mod dump;
mod escape;
mod numbers;
mod packed;
mod rewrite;

pub(in crate::scrub) use binary::WIDE_LINE;
pub(in crate::scrub) use binary::behind_escape;
pub(in crate::scrub) use binary::break_len;
pub(in crate::scrub) use binary::encode;
pub(in crate::scrub) use binary::runs;
pub(in crate::scrub) use disguise::begins_disguised;
pub(in crate::scrub) use disguise::colour_len;
pub(in crate::scrub) use disguise::ends_disguised;
pub(in crate::scrub) use disguise::look_of;
pub(in crate::scrub) use dump::Dump;
pub(in crate::scrub) use escape::doubled_len;
pub(in crate::scrub) use escape::goes_on;
pub(in crate::scrub) use escape::joins_secret;
pub(in crate::scrub) use numbers::Numbers;
pub(in crate::scrub) use packed::Packed;
pub(in crate::scrub) use packed::is_all_of;
pub(in crate::scrub) use packed::pack;
pub(in crate::scrub) use packed::unpack;

use escape::Said;
use escape::backslash;
use escape::disguised;
use escape::entity;
use escape::is_empty_string;
use escape::joint;
use escape::of_layer;
use escape::percent;
use escape::quoted;

/// An encoding in which each character stands for itself or is an escape, so that
/// what is said can be mapped back piece by piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scrub) enum Escapes {
    /// `%3D` (RFC 3986 §2.1).
    Percent,
    /// `\u003d` and `\/` (RFC 8259 §7), `\x3d`, `\u{3d}`, `\075`, with any number of
    /// backslashes, as they stand in JSON in JSON.
    Backslash,
    /// `&quot;`, `&#61;`, `&#x3d;` (HTML §13.5).
    Entities,
    /// `"a" + "b"`, `'a' . 'b'`: a string in pieces; and a quote in a string of SQL, CSV
    /// (RFC 4180 §2) or a shell: `''`, `""`, `'\''`, `'"'"'`.
    Joints,
    /// Characters that are not seen or look like others, and colour codes.
    Disguise,
    /// `=3D`, and lines that go on (quoted-printable, RFC 2045 §6.7).
    Quoted,
    /// Percent escapes, and `+` for a blank (URL §5.1, `application/x-www-form-urlencoded`).
    Form,
}

const FORM: Kinds = Kinds(1 << Escapes::Form as u8);

/// Which encodings are undone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::scrub) struct Kinds(u8);

impl Kinds {
    const ALL: [Escapes; 7] = [
        Escapes::Percent,
        Escapes::Backslash,
        Escapes::Entities,
        Escapes::Joints,
        Escapes::Disguise,
        Escapes::Quoted,
        Escapes::Form,
    ];

    /// Every kind that says what it is: a plus is one more often than it is a blank.
    pub(in crate::scrub) fn all() -> Self {
        Self::ALL.into_iter().fold(Self::default(), Self::with).without(FORM)
    }

    /// These and one more.
    pub(in crate::scrub) fn with(self, kind: Escapes) -> Self {
        Self(self.0 | 1 << kind as u8)
    }

    /// These but for those.
    pub(in crate::scrub) fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// Whether this is one of them.
    pub(in crate::scrub) fn has(self, kind: Escapes) -> bool {
        self.0 >> kind as u8 & 1 == 1
    }

    /// Whether one of them is of URLs.
    pub(in crate::scrub) fn in_url(self) -> bool {
        self.has(Escapes::Percent) || self.has(Escapes::Form)
    }

    /// How many there are.
    pub(in crate::scrub) fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// What they are called, all together.
    pub(in crate::scrub) fn name(self) -> &'static str {
        let mut kinds = self.iter();
        match (kinds.next(), kinds.next()) {
            (Some(Escapes::Percent), None) => "percent escapes",
            (Some(Escapes::Backslash), None) => "backslash escapes",
            (Some(Escapes::Entities), None) => "entities",
            (Some(Escapes::Joints), None) => "a string in pieces",
            (Some(Escapes::Quoted), None) => "quoted-printable",
            (Some(Escapes::Disguise), None) => "disguised characters",
            (Some(Escapes::Form), None) => "the escapes of a form",
            _ => "escapes",
        }
    }

    /// One by one.
    pub(in crate::scrub) fn iter(self) -> impl Iterator<Item = Escapes> {
        Self::ALL.into_iter().filter(move |kind| self.has(*kind))
    }

    /// Where the next escape may begin.
    fn next(self, text: &[u8]) -> Option<usize> {
        match self.0 {
            0b0001 => memchr::memchr(b'%', text),
            0b0010 => memchr::memchr(b'\\', text),
            0b0100 => memchr::memchr(b'&', text),
            0b1000 => memchr::memchr2(b'"', b'\'', text),
            0b0000..0b1000 => memchr::memchr3(b'%', b'\\', b'&', text),
            _ => text.iter().position(|byte| match byte {
                b'%' => self.in_url(),
                b'\\' => self.has(Escapes::Backslash),
                b'&' => self.has(Escapes::Entities),
                b'"' | b'\'' => self.has(Escapes::Joints),
                b'+' => self.has(Escapes::Form),
                b'=' => self.has(Escapes::Quoted),
                _ => 0x80 <= *byte || *byte == 0x1b,
            }),
        }
    }

    /// The escape that a text begins with: what it says, and its length.
    fn escape(self, rest: &[u8]) -> Option<(Said, usize)> {
        match rest.first()? {
            b'%' if self.in_url() => percent(rest),
            b'\\' if self.has(Escapes::Backslash) => backslash(rest),
            b'&' if self.has(Escapes::Entities) => entity(rest),
            b'"' | b'\'' if self.has(Escapes::Joints) => joint(rest),
            b'=' if self.has(Escapes::Quoted) => quoted(rest),
            b'+' if self.has(Escapes::Form) => Some((Said::Byte(b' '), 1)),
            _ if self.has(Escapes::Disguise) => disguised(rest),
            _ => None,
        }
    }
}

/// A decoded text.
pub(in crate::scrub) struct Decoded {
    /// What it says.
    pub(in crate::scrub) text: Vec<u8>,
    steps: Vec<Step>,
}

/// The end of an escape.
struct Step {
    decoded: usize,
    original: usize,
    /// Whether it says nothing.
    nothing: bool,
}

impl Decoded {
    /// Where position `at` of the decoded text stands in the original, as the beginning
    /// of something: behind what says nothing.
    pub(in crate::scrub) fn original(&self, at: usize) -> usize {
        self.behind(at, self.steps.partition_point(|step| step.decoded <= at))
    }

    /// The same, as the end of something: before what says nothing.
    pub(in crate::scrub) fn original_end(&self, at: usize) -> usize {
        let first = self.steps.partition_point(|step| step.decoded < at);
        match self.steps.get(first) {
            Some(step) if step.decoded == at && !step.nothing => step.original,
            _ => self.behind(at, first),
        }
    }

    fn behind(&self, at: usize, steps: usize) -> usize {
        match steps.checked_sub(1).and_then(|i| self.steps.get(i)) {
            Some(step) => step.original + (at - step.decoded),
            None => at,
        }
    }

    /// Where position `at` of the original stands in the decoded text.
    pub(in crate::scrub) fn position(&self, at: usize) -> usize {
        let steps = self.steps.partition_point(|step| step.original <= at);
        match steps.checked_sub(1).and_then(|i| self.steps.get(i)) {
            Some(step) => step.decoded + (at - step.original),
            None => at,
        }
    }

    /// Undoes the escapes of some kinds in `text`; `None` where there are none.
    pub(in crate::scrub) fn new(kinds: Kinds, text: &[u8]) -> Option<Self> {
        let escape = |rest: &[u8]| match is_empty_string(text, rest) {
            true => None,
            false => kinds.escape(rest),
        };
        let mut decoded = Self::undo(text, |rest| kinds.next(rest), escape)?;
        decoded.part(text);
        Some(decoded)
    }

    /// Parts what is encoded from what stands around it: where blanks are escapes, a blank that
    /// is none stands outside, and is written as the line end that a text of its own begins and
    /// ends at.
    fn part(&mut self, original: &[u8]) {
        let mut from = 0;
        // Whether an escaped blank stands before.
        let mut is_open = false;
        for step in &self.steps {
            let Some(at) = step.decoded.checked_sub(1).filter(|at| from <= *at) else { continue };
            // Of HTML, and at the end of a line of quoted-printable, only some blanks are written so.
            let is_some = || {
                let written = original.get(..step.original).unwrap_or_default();
                written.ends_with(b"&nbsp;") || written.ends_with(b"=20")
            };
            if step.nothing || self.text.get(at) != Some(&b' ') || is_some() {
                continue;
            }
            let Some(between) = self.text.get_mut(from..at) else { break };
            let first = memchr::memchr(b' ', between).filter(|_| is_open);
            let last = memchr::memrchr(b' ', between);
            for blank in [first, last].into_iter().flatten() {
                if let Some(blank) = between.get_mut(blank) {
                    *blank = b'\n';
                }
            }
            (from, is_open) = (at + 1, true);
        }
        let rest = self.text.get_mut(from..).unwrap_or_default();
        if let Some(at) = memchr::memchr(b' ', rest).filter(|_| is_open)
            && let Some(blank) = rest.get_mut(at)
        {
            *blank = b'\n';
        }
    }

    /// Undoes one layer of JSON strings, of URLs and of HTML; `None` where there is none.
    /// Other than [`Escapes::Backslash`], quotes and line ends come out as such.
    pub(in crate::scrub) fn layer(text: &[u8]) -> Option<Self> {
        Self::undo(text, |rest| memchr::memchr3(b'\\', b'%', b'&', rest), of_layer)
    }

    fn undo(
        text: &[u8],
        next: impl Fn(&[u8]) -> Option<usize>,
        escape: impl Fn(&[u8]) -> Option<(Said, usize)>,
    ) -> Option<Self> {
        let mut decoded = Self { text: Vec::with_capacity(text.len()), steps: Vec::new() };
        let mut at = 0;
        while let Some(found) = next(text.get(at..).unwrap_or_default()) {
            decoded.text.extend_from_slice(text.get(at..at + found).unwrap_or_default());
            at += found;
            let rest = text.get(at..).unwrap_or_default();
            match escape(rest) {
                Some((said, len)) => {
                    at += len;
                    decoded.say(&said);
                    decoded.steps.push(Step {
                        decoded: decoded.text.len(),
                        original: at,
                        nothing: matches!(said, Said::Nothing),
                    });
                }
                None => {
                    // A run of backslashes is passed whole, or each of its ends would
                    // be tried.
                    let run = rest.iter().take_while(|&&b| b == b'\\').count().max(1);
                    decoded.text.extend_from_slice(rest.get(..run).unwrap_or_default());
                    at += run;
                }
            }
        }
        if decoded.steps.is_empty() {
            return None;
        }
        decoded.text.extend_from_slice(text.get(at..).unwrap_or_default());
        Some(decoded)
    }

    fn say(&mut self, said: &Said) {
        match said {
            Said::Nothing => {}
            Said::Byte(byte) => self.text.push(*byte),
            Said::Character(number) => {
                let character = char::from_u32(*number).unwrap_or('\u{fffd}');
                let mut utf8 = [0; 4];
                self.text.extend_from_slice(character.encode_utf8(&mut utf8).as_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(kinds: &[Escapes], text: &str) -> Option<Decoded> {
        let kinds = kinds.iter().fold(Kinds::default(), |kinds, kind| kinds.with(*kind));
        Decoded::new(kinds, text.as_bytes())
    }

    #[test]
    fn a_position_of_the_decoded_text_is_mapped_back() {
        let decoded = decoded(&[Escapes::Backslash], r"a\u003db\\u0026c").expect("escapes");
        assert_eq!(decoded.text, b"a=b&c");
        let original: Vec<usize> = (0..=5).map(|at| decoded.original(at)).collect();
        assert_eq!(original, [0, 1, 7, 8, 15, 16]);
        let ends: Vec<usize> = (0..=5).map(|at| decoded.original_end(at)).collect();
        assert_eq!(ends, original);
    }

    #[test]
    fn what_says_nothing_stays_outside_of_a_range() {
        let decoded = decoded(&[Escapes::Disguise], "=\u{1b}[31mab\u{200b}c\u{1b}[0m;");
        let decoded = decoded.expect("disguises");
        assert_eq!(decoded.text, b"=abc;");
        assert_eq!(decoded.original(1)..decoded.original_end(4), 6..12);
    }

    #[test]
    fn what_is_encoded_is_a_line_of_its_own_where_blanks_are_escapes() {
        for (escapes, text, expected) in [
            (Escapes::Percent, "so LOGIN%20bob%20x ends", "so\nLOGIN bob x\nends"),
            (Escapes::Percent, "a b=%3D c d", "a b== c d"),
            (Escapes::Percent, "a%20b c d%20e", "a b\nc\nd e"),
            (Escapes::Form, "see a=b+c%21 end", "see\na=b c!\nend"),
            (Escapes::Backslash, r"so a\x20b ends", "so\na b\nends"),
            (Escapes::Entities, "so a&#32;b ends", "so\na b\nends"),
            (Escapes::Entities, "the word&nbsp;is this&#10;and", "the word is this\nand"),
        ] {
            let decoded = decoded(&[escapes], text).expect("escapes");
            assert_eq!(String::from_utf8_lossy(&decoded.text), expected);
        }
    }

    #[test]
    fn every_kind_of_escape_is_undone() {
        for (escapes, text, expected) in [
            (Escapes::Percent, "a%3Db%2", "a=b%2"),
            (Escapes::Backslash, r"\x41\n\u00e9\/\\/\u{41}\075\8", r"A\né//A=\8"),
            (Escapes::Entities, "&quot;a&#61;b&#x3D;c&amp;&x;", "\"a=b=c&&x;"),
            (Escapes::Backslash, r"\U00000067h", "gh"),
            (Escapes::Backslash, r"Schl\xc3\xbcssel, contrase\xf1a", "Schlüssel, contraseña"),
            (Escapes::Entities, "ghp&lowbar;a&bsol;&hyphen;", r"ghp_a\-"),
            (Escapes::Joints, r#""gh" + "p_" . "a" +1"#, r#""ghp_a" +1"#),
            (Escapes::Joints, r"'it'\''s' ''a''", "'it's' 'a'"),
            (Escapes::Joints, r#"a="" b="x" + "y""#, r#"a="" b="xy""#),
            (Escapes::Quoted, "a=3D=C3=A9=\nc d=69 =20\n", "a=éc d=69  \n"),
            (Escapes::Quoted, r"a=\nb=\\r\\nc", "abc"),
            (Escapes::Form, "a+b%2Bc", "a b+c"),
            (Escapes::Disguise, "ｇ\u{200b}һ\u{1b}[1;31mр_é", "ghp_é"),
        ] {
            let decoded = decoded(&[escapes], text).expect("escapes");
            assert_eq!(String::from_utf8_lossy(&decoded.text), expected);
        }
        assert!(decoded(&[Escapes::Percent], "100% of it").is_none());
        let both = decoded(&[Escapes::Percent, Escapes::Entities], "a%3D&amp;").expect("escapes");
        assert_eq!(both.text, b"a=&");
    }
}
